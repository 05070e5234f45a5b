# operator: the operators as functions.


def add(a, b):
    return a + b


def sub(a, b):
    return a - b


def mul(a, b):
    return a * b


def truediv(a, b):
    return a / b


def floordiv(a, b):
    return a // b


def mod(a, b):
    return a % b


def matmul(a, b):
    return a @ b


def neg(a):
    return -a


def eq(a, b):
    return a == b


def ne(a, b):
    return a != b


def lt(a, b):
    return a < b


def le(a, b):
    return a <= b


def gt(a, b):
    return a > b


def ge(a, b):
    return a >= b


def getitem(a, b):
    return a[b]


def index(a):
    if isinstance(a, int):
        return int(a)
    if hasattr(a, '__index__'):
        return a.__index__()
    raise TypeError(f"'{type(a).__name__}' object cannot be interpreted as an integer")


def itemgetter(*keys):
    if len(keys) == 1:
        return lambda x: x[keys[0]]
    return lambda x: tuple(x[k] for k in keys)


def _attribute(x, name):
    for part in name.split('.'):
        x = getattr(x, part)
    return x


def attrgetter(*names):
    if len(names) == 1:
        return lambda x: _attribute(x, names[0])
    return lambda x: tuple([_attribute(x, n) for n in names])


def methodcaller(name, *args, **kwargs):
    return lambda x: getattr(x, name)(*args, **kwargs)


def contains(a, b):
    return b in a


def pow(a, b):
    return a ** b


def xor(a, b):
    return a ^ b


def and_(a, b):
    return a & b


def or_(a, b):
    return a | b


def invert(a):
    return ~a


inv = invert


def lshift(a, b):
    return a << b


def rshift(a, b):
    return a >> b


def pos(a):
    return +a


def abs(a):
    return a.__abs__() if hasattr(a, '__abs__') else max(a, -a)


def not_(a):
    return not a


def truth(a):
    return True if a else False


def is_(a, b):
    return a is b


def is_not(a, b):
    return a is not b


def setitem(a, k, v):
    a[k] = v


def delitem(a, k):
    del a[k]


def concat(a, b):
    return a + b


def countOf(a, b):
    return len([x for x in a if x is b or x == b])


def indexOf(a, b):
    for k, x in enumerate(a):
        if x is b or x == b:
            return k
    raise ValueError('sequence.index(x): x not in sequence')


def iadd(a, b):
    a += b
    return a


def isub(a, b):
    a -= b
    return a


def imul(a, b):
    a *= b
    return a
