# collections, beside what is native.


class deque(list):
    def __init__(self, iterable=(), maxlen=None):
        super().__init__(iterable)
        self.maxlen = maxlen

    def append(self, x):
        super().append(x)
        if self.maxlen is not None and len(self) > self.maxlen:
            self.popleft()

    def extendleft(self, items):
        for x in items:
            self.appendleft(x)

    def rotate(self, n=1):
        for _ in range(n):
            self.appendleft(self.pop())


class UserDict(dict):
    pass


class ChainMap:
    def __init__(self, *maps):
        self.maps = list(maps)

    def __getitem__(self, key):
        for m in self.maps:
            if key in m:
                return m[key]
        raise KeyError(key)
