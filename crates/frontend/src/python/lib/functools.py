# functools, beside what is native.


WRAPPER_ASSIGNMENTS = ('__module__', '__name__', '__qualname__', '__doc__')
WRAPPER_UPDATES = ('__dict__',)


def reduce(function, iterable, *initial):
    it = iter(iterable)
    if initial:
        value = initial[0]
    else:
        for value in it:
            break
        else:
            raise TypeError('reduce() of empty iterable with no initial value')
    for x in it:
        value = function(value, x)
    return value


def update_wrapper(wrapper, wrapped, assigned=None, updated=None):
    return _describe(wrapper, wrapped)


def wraps(wrapped, assigned=None, updated=None):
    return lambda wrapper: _describe(wrapper, wrapped)


def cache(function):
    known = {}

    def cached(*args, **kwargs):
        key = (args, tuple(kwargs.items()))
        if key not in known:
            known[key] = function(*args, **kwargs)
        return known[key]

    cached.cache_clear = known.clear
    return _describe(cached, function)


def lru_cache(maxsize=128, typed=False):
    return cache(maxsize) if callable(maxsize) else cache


def cmp_to_key(compare):
    class Key:
        def __init__(self, value):
            self.value = value

        def __lt__(self, other):
            return compare(self.value, other.value) < 0

        def __eq__(self, other):
            return compare(self.value, other.value) == 0
    return Key


def total_ordering(cls):
    names = cls.__dict__
    if '__lt__' in names:
        less = cls.__lt__
    elif '__gt__' in names:
        less = lambda a, b: not (cls.__gt__(a, b) or a == b)
    elif '__le__' in names:
        less = lambda a, b: cls.__le__(a, b) and a != b
    else:
        less = lambda a, b: not cls.__ge__(a, b)
    more = {
        '__lt__': less,
        '__gt__': lambda a, b: not (less(a, b) or a == b),
        '__le__': lambda a, b: less(a, b) or a == b,
        '__ge__': lambda a, b: not less(a, b),
    }
    for name, function in more.items():
        if name not in names:
            setattr(cls, name, function)
    return cls


def partialmethod(function, *args, **kwargs):
    def method(self, *more, **options):
        return function(self, *args, *more, **{**kwargs, **options})
    return method


def singledispatch(function):
    registry = {}

    def dispatch(first, *args, **kwargs):
        for cls in type(first).__mro__:
            if cls in registry:
                return registry[cls](first, *args, **kwargs)
        return function(first, *args, **kwargs)

    def register(cls, implementation=None):
        if implementation is None:
            return lambda f: register(cls, f)
        registry[cls] = implementation
        return implementation

    dispatch.register = register
    return _describe(dispatch, function)
