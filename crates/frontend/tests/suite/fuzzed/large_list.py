x = [0] * 10 ** 9
for x in x:
    pass
