# packaging.version: comparison of version numbers.


class InvalidVersion(ValueError):
    pass


class Version:
    def __init__(self, version):
        self.text = str(version)
        numbers = []
        for part in self.text.split('+')[0].split('.'):
            digits = ''
            for c in part:
                if not c.isdigit():
                    break
                digits += c
            if digits == '':
                break
            numbers.append(int(digits))
            if digits != part:
                break
        if not numbers:
            raise InvalidVersion(f"Invalid version: '{version}'")
        self.release = tuple(numbers)
        self.pre = None
        for mark, name in (('rc', 'rc'), ('alpha', 'a'), ('beta', 'b'), ('a', 'a'), ('b', 'b')):
            head, found, tail = self.text.split('+')[0].partition(mark)
            if found and tail.isdigit():
                self.pre = (name, int(tail))
                break
        self.dev = None
        self.post = None
        self.local = self.text.split('+')[1] if '+' in self.text else None

    is_prerelease = property(lambda self: self.pre is not None)
    is_postrelease = property(lambda self: self.post is not None)
    is_devrelease = property(lambda self: False)
    major = property(lambda self: self.release[0])
    minor = property(lambda self: self.release[1] if len(self.release) > 1 else 0)
    micro = property(lambda self: self.release[2] if len(self.release) > 2 else 0)
    base_version = property(lambda self: '.'.join(str(n) for n in self.release))

    def _key(self):
        numbers = list(self.release)
        while len(numbers) > 1 and numbers[-1] == 0:
            numbers.pop()
        return (numbers, ('~',) if self.pre is None else self.pre)

    def __eq__(self, other):
        return self._key() == other._key()

    def __lt__(self, other):
        return self._key() < other._key()

    def __le__(self, other):
        return self._key() <= other._key()

    def __gt__(self, other):
        return self._key() > other._key()

    def __ge__(self, other):
        return self._key() >= other._key()

    def __hash__(self):
        return hash(self.text)

    def __str__(self):
        return self.text


def parse(version):
    return Version(version)
