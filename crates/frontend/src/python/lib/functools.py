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
    registry = {object: function}

    def find(cls):
        for base in cls.__mro__:
            if base in registry:
                return registry[base]
        return function

    def dispatch(*args, **kwargs):
        if not args:
            raise TypeError(f'{function.__name__} requires at least 1 positional argument')
        return find(type(args[0]))(*args, **kwargs)

    def register(cls, implementation=None):
        if implementation is None:
            if isinstance(cls, (type, tuple)):
                return lambda f: register(cls, f)
            notes = [v for k, v in cls.__annotations__.items() if k != 'return']
            if not notes:
                raise TypeError(f'Invalid first argument to `register()`: {cls!r}. Use either `@register(some_class)` '
                                'or plain `@register` on an annotated function.')
            return register(notes[0], cls)
        for one in cls if isinstance(cls, tuple) else (cls,):
            registry[one] = implementation
        return implementation

    dispatch.register = register
    dispatch.dispatch = find
    dispatch.registry = registry
    return _describe(dispatch, function)


class singledispatchmethod:
    def __init__(self, function):
        self.dispatcher = singledispatch(function)
        self.register = self.dispatcher.register

    def __get__(self, obj, cls=None):
        def method(*args, **kwargs):
            chosen = self.dispatcher.dispatch(type(args[0]))
            return chosen.__get__(obj, cls)(*args, **kwargs)
        return method
