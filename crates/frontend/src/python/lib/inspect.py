# inspect: the parameters of functions of the source.

import collections


class _Empty:
    pass


class _Kind(int):
    def __new__(cls, value, name):
        made = int.__new__(cls, value)
        made.name = name
        return made

    def __str__(self):
        return self.name

    def __repr__(self):
        return f'<_ParameterKind.{self.name}: {int(self)}>'


_KINDS = [_Kind(k, name) for k, name in enumerate(
    ['POSITIONAL_ONLY', 'POSITIONAL_OR_KEYWORD', 'VAR_POSITIONAL', 'KEYWORD_ONLY', 'VAR_KEYWORD'])]


class Parameter:
    empty = _Empty
    POSITIONAL_ONLY, POSITIONAL_OR_KEYWORD, VAR_POSITIONAL, KEYWORD_ONLY, VAR_KEYWORD = _KINDS

    def __init__(self, name, kind, *, default=_Empty, annotation=_Empty):
        self.name, self.kind, self.default, self.annotation = name, kind, default, annotation

    def __str__(self):
        stars = '*' if self.kind == 2 else '**' if self.kind == 4 else ''
        return stars + self.name + ('' if self.default is _Empty else f'={self.default!r}')


class Signature:
    empty = _Empty

    def __init__(self, parameters):
        self.parameters = {p.name: p for p in parameters}
        self.return_annotation = _Empty

    def __str__(self):
        return '(' + ', '.join([str(p) for p in self.parameters.values()]) + ')'


def signature(callable):
    notes = getattr(callable, '__annotations__', {})
    return Signature([
        Parameter(name, _KINDS[kind], default=default[0] if default else _Empty, annotation=notes.get(name, _Empty))
        for name, kind, default in _parameters(callable)])


FullArgSpec = collections.namedtuple(
    'FullArgSpec', ['args', 'varargs', 'varkw', 'defaults', 'kwonlyargs', 'kwonlydefaults', 'annotations'])


def getfullargspec(func):
    # Of a class it is the constructor, its receiver named too.
    all = _parameters(func.__init__ if isclass(func) else func)
    return FullArgSpec(
        [name for name, kind, default in all if kind < 2],
        next((name for name, kind, default in all if kind == 2), None),
        next((name for name, kind, default in all if kind == 4), None),
        tuple([default[0] for name, kind, default in all if kind < 2 and default]) or None,
        [name for name, kind, default in all if kind == 3],
        {name: default[0] for name, kind, default in all if kind == 3 and default} or None,
        getattr(func, '__annotations__', {}))


def isfunction(x):
    return type(x).__name__ == 'function'


def isclass(x):
    return isinstance(x, type)


def ismethod(x):
    return type(x).__name__ == 'method'


def ismodule(x):
    return type(x).__name__ == 'module'


def isbuiltin(x):
    return type(x).__name__ == 'builtin_function_or_method'


def isroutine(x):
    return isfunction(x) or ismethod(x) or isbuiltin(x)


def isabstract(x):
    return bool(getattr(x, '__abstractmethods__', False))


def getmembers(object, predicate=None):
    found = [(name, getattr(object, name)) for name in dir(object) if hasattr(object, name)]
    return [(name, value) for name, value in found if predicate is None or predicate(value)]


def getdoc(object):
    return object.__doc__
