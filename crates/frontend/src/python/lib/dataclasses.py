# dataclasses: the constructor, comparison and text of classes made of annotated fields.


class _Missing:
    pass


MISSING = _Missing()


class Field:
    def __init__(self, default, default_factory, init):
        self.name = None
        self.default = default
        self.default_factory = default_factory
        self.init = init


def field(*, default=MISSING, default_factory=MISSING, init=True, repr=True, hash=None, compare=True, metadata=None,
          kw_only=False):
    return Field(default, default_factory, init)


def _collect(cls):
    found = {}
    for base in reversed(cls.__mro__):
        for name in base.__dict__.get('__annotations__', {}):
            value = base.__dict__.get(name, MISSING)
            f = value if isinstance(value, Field) else Field(value, MISSING, True)
            f.name = name
            found[name] = f
    return found


def dataclass(cls=None, *, init=True, repr=True, eq=True, order=False, unsafe_hash=False, frozen=False, kw_only=False,
              slots=False, match_args=True):
    def wrap(cls):
        fields = _collect(cls)
        cls.__dataclass_fields__ = fields
        names = [n for n, f in fields.items() if f.init]

        def __init__(self, *args, **kwargs):
            if len(args) > len(names):
                raise TypeError(f'{cls.__name__}.__init__() takes {len(names) + 1} positional arguments but '
                                f'{len(args) + 1} were given')
            given = dict(zip(names, args))
            for key, value in kwargs.items():
                if key not in names:
                    raise TypeError(f"{cls.__name__}.__init__() got an unexpected keyword argument '{key}'")
                if key in given:
                    raise TypeError(f"{cls.__name__}.__init__() got multiple values for argument '{key}'")
                given[key] = value
            for name, f in fields.items():
                if name in given:
                    setattr(self, name, given[name])
                elif f.default_factory is not MISSING:
                    setattr(self, name, f.default_factory())
                elif f.default is not MISSING:
                    setattr(self, name, f.default)
                elif f.init:
                    raise TypeError(f"{cls.__name__}.__init__() missing 1 required positional argument: '{name}'")
            if hasattr(self, '__post_init__'):
                self.__post_init__()

        def __repr__(self):
            shown = ', '.join(f'{n}={getattr(self, n)!r}' for n in fields)
            return f'{cls.__name__}({shown})'

        def __eq__(self, other):
            if type(other) is not type(self):
                return NotImplemented
            return all(getattr(self, n) == getattr(other, n) for n in fields)

        if init and '__init__' not in cls.__dict__:
            cls.__init__ = __init__
        if repr and '__repr__' not in cls.__dict__:
            cls.__repr__ = __repr__
        if eq and '__eq__' not in cls.__dict__:
            cls.__eq__ = __eq__
        for name, f in fields.items():
            if f.default is not MISSING:
                setattr(cls, name, f.default)
        return cls
    return wrap if cls is None else wrap(cls)


def fields(instance):
    return tuple(instance.__dataclass_fields__.values())


def asdict(instance):
    return {n: getattr(instance, n) for n in instance.__dataclass_fields__}


def astuple(instance):
    return tuple(getattr(instance, n) for n in instance.__dataclass_fields__)


def replace(instance, **changes):
    values = {n: getattr(instance, n) for n in instance.__dataclass_fields__}
    values.update(changes)
    return type(instance)(**values)


def is_dataclass(obj):
    return hasattr(obj, '__dataclass_fields__')
