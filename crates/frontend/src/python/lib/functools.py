# functools.


def reduce(function, iterable, *initial):
    it = iter(iterable)
    value = initial[0] if initial else next(it)
    for x in it:
        value = function(value, x)
    return value


def wraps(wrapped, assigned=None, updated=None):
    return lambda function: function


def update_wrapper(wrapper, wrapped, assigned=None, updated=None):
    return wrapper


def lru_cache(maxsize=128, typed=False):
    return maxsize if callable(maxsize) else (lambda function: function)


def cache(function):
    return function


def cmp_to_key(compare):
    class Key:
        def __init__(self, value):
            self.value = value

        def __lt__(self, other):
            return compare(self.value, other.value) < 0
    return Key


def total_ordering(cls):
    return cls


def partialmethod(function, *args, **kwargs):
    def method(self, *more, **options):
        return function(self, *args, *more, **{**kwargs, **options})
    return method


def singledispatch(function):
    return function
