# dataclasses: the constructor, comparison and text of classes made of annotated fields.


class _Missing:
    pass


MISSING = _Missing()


class FrozenInstanceError(AttributeError):
    pass


class InitVar:
    def __class_getitem__(cls, item):
        return cls


class KW_ONLY:
    pass


def _is_class_var(annotation):
    text = annotation if isinstance(annotation, str) else repr(annotation)
    return text.startswith(('ClassVar', 'typing.ClassVar'))


class Field:
    def __init__(self, default, default_factory, init, repr=True, compare=True, kw_only=False):
        self.name = None
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.repr = repr
        self.compare = compare
        self.kw_only = kw_only


def field(*, default=MISSING, default_factory=MISSING, init=True, repr=True, hash=None, compare=True, metadata=None,
          kw_only=False):
    return Field(default, default_factory, init, repr, compare, kw_only)


def _collect(cls):
    found = {}
    for base in reversed(cls.__mro__):
        keyword = False
        for name, annotation in base.__dict__.get('__annotations__', {}).items():
            if annotation is KW_ONLY:
                keyword = True
                continue
            if _is_class_var(annotation):
                continue
            if name in base.__dict__.get('__dataclass_fields__', {}):
                found[name] = base.__dataclass_fields__[name]
                continue
            value = base.__dict__.get(name, MISSING)
            f = value if isinstance(value, Field) else Field(value, MISSING, True)
            f.name = name
            f.type = annotation
            f.kw_only = f.kw_only or keyword
            f.passed = annotation is InitVar
            found[name] = f
    return found


def dataclass(cls=None, *, init=True, repr=True, eq=True, order=False, unsafe_hash=False, frozen=False, kw_only=False,
              slots=False, match_args=True):
    def wrap(cls):
        fields = _collect(cls)
        seen = None
        for name, f in fields.items():
            if isinstance(f.default, (list, dict, set)):
                kind = type(f.default)
                raise ValueError(f'mutable default {kind} for field {name} is not allowed: use default_factory')
            if f.init and not f.kw_only and not kw_only:
                if f.default is not MISSING or f.default_factory is not MISSING:
                    seen = name
                elif seen is not None:
                    raise TypeError(f'non-default argument {name!r} follows default argument')
        cls.__dataclass_fields__ = fields
        names = [n for n, f in fields.items() if f.init]
        positional = [n for n in names if not (kw_only or fields[n].kw_only)]
        shown = [n for n, f in fields.items() if f.repr and not f.passed]
        compared = [n for n, f in fields.items() if f.compare and not f.passed]

        def __init__(self, *args, **kwargs):
            if len(args) > len(positional):
                were = len(args) + 1
                raise TypeError(f'{cls.__name__}.__init__() takes {len(positional) + 1} positional arguments but '
                                f'{were} were given')
            given = dict(zip(positional, args))
            for key, value in kwargs.items():
                if key not in names:
                    raise TypeError(f"{cls.__name__}.__init__() got an unexpected keyword argument '{key}'")
                if key in given:
                    raise TypeError(f"{cls.__name__}.__init__() got multiple values for argument '{key}'")
                given[key] = value
            passed = []
            for name, f in fields.items():
                if name in given:
                    value = given[name]
                elif f.default_factory is not MISSING:
                    value = f.default_factory()
                elif f.default is not MISSING:
                    value = f.default
                elif f.init:
                    raise TypeError(f"{cls.__name__}.__init__() missing 1 required positional argument: '{name}'")
                else:
                    continue
                if f.passed:
                    passed.append(value)
                elif frozen:
                    object.__setattr__(self, name, value)
                else:
                    setattr(self, name, value)
            if hasattr(self, '__post_init__'):
                self.__post_init__(*passed)

        def __repr__(self):
            inside = ', '.join([f'{n}={getattr(self, n)!r}' for n in shown])
            return f'{type(self).__qualname__}({inside})'

        def values(self):
            return tuple([getattr(self, n) for n in compared])

        def __eq__(self, other):
            return values(self) == values(other) if type(other) is type(self) else NotImplemented

        def __lt__(self, other):
            return values(self) < values(other) if type(other) is type(self) else NotImplemented

        def __le__(self, other):
            return values(self) <= values(other) if type(other) is type(self) else NotImplemented

        def __gt__(self, other):
            return values(self) > values(other) if type(other) is type(self) else NotImplemented

        def __ge__(self, other):
            return values(self) >= values(other) if type(other) is type(self) else NotImplemented

        def __hash__(self):
            return hash(values(self))

        def add(wanted, **methods):
            for name, method in methods.items():
                if wanted and name not in cls.__dict__:
                    setattr(cls, name, method)

        add(init, __init__=__init__)
        add(repr, __repr__=__repr__)
        add(eq, __eq__=__eq__)
        add(order, __lt__=__lt__, __le__=__le__, __gt__=__gt__, __ge__=__ge__)
        add(unsafe_hash or (eq and frozen), __hash__=__hash__)
        add(eq and not frozen and not unsafe_hash, __hash__=None)
        add(match_args, __match_args__=tuple(positional))
        for name, f in fields.items():
            if f.default is not MISSING:
                setattr(cls, name, f.default)
            elif isinstance(cls.__dict__.get(name), Field):
                delattr(cls, name)
        if frozen:
            cls.__dataclass_frozen__ = True
        return cls
    return wrap if cls is None else wrap(cls)


def fields(instance):
    return tuple([f for f in instance.__dataclass_fields__.values() if not f.passed])


def _plain(value):
    if hasattr(value, '__dataclass_fields__'):
        return asdict(value)
    if isinstance(value, (list, tuple)):
        return type(value)([_plain(v) for v in value])
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value


def asdict(instance):
    return {f.name: _plain(getattr(instance, f.name)) for f in fields(instance)}


def astuple(instance):
    return tuple([_plain(getattr(instance, f.name)) for f in fields(instance)])


def replace(instance, **changes):
    values = {f.name: getattr(instance, f.name) for f in fields(instance) if f.init}
    values.update(changes)
    return type(instance)(**values)


def is_dataclass(obj):
    return hasattr(obj, '__dataclass_fields__')
