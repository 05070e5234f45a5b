# argparse: a network has no command line, so a parser gives the defaults of its options, or reads the list it is given.


class ArgumentError(Exception):
    pass


class Namespace:
    def __init__(self, **values):
        for name, value in values.items():
            setattr(self, name, value)

    def __contains__(self, name):
        return name in self.__dict__

    def __eq__(self, other):
        return isinstance(other, Namespace) and vars(self) == vars(other)

    def __repr__(self):
        return 'Namespace(' + ', '.join([f'{k}={v!r}' for k, v in vars(self).items()]) + ')'


class HelpFormatter:
    pass


class RawTextHelpFormatter(HelpFormatter):
    pass


RawDescriptionHelpFormatter = ArgumentDefaultsHelpFormatter = RawTextHelpFormatter
SUPPRESS = '==SUPPRESS=='


class _Option:
    def __init__(self, names, action, nargs, const, default, type, choices, required, dest):
        self.names, self.nargs, self.const, self.type, self.choices = names, nargs, const, type, choices
        self.action, self.required = action, required
        self.positional = not names[0].startswith('-')
        long = [n for n in names if n.startswith('--')]
        self.dest = dest or (long or names)[0].lstrip('-').replace('-', '_')
        if action in ('store_true', 'store_false') and default is None:
            default = action == 'store_false'
        self.default = default

    def convert(self, text):
        value = text if self.type is None else self.type(text)
        if self.choices is not None and value not in self.choices:
            shown = ', '.join([repr(c) for c in self.choices])
            raise SystemExit(f'argument {"/".join(self.names)}: invalid choice: {value!r} (choose from {shown})')
        return value

    def initial(self):
        if isinstance(self.default, str) and self.type is not None:
            return self.type(self.default)
        return self.default


class ArgumentParser:
    def __init__(self, *args, **options):
        self._options = []
        self._defaults = {}

    def add_argument(self, *names, action='store', nargs=None, const=None, default=None, type=None, choices=None,
                     required=False, help=None, metavar=None, dest=None, version=None):
        option = _Option(names, action, nargs, const, default, type, choices, required, dest)
        self._options.append(option)
        return option

    def add_argument_group(self, *args, **options):
        return self

    def add_mutually_exclusive_group(self, **options):
        return self

    def set_defaults(self, **values):
        self._defaults.update(values)

    def get_default(self, dest):
        for option in self._options:
            if option.dest == dest:
                return self._defaults.get(dest, option.default)
        return self._defaults.get(dest)

    def parse_known_args(self, args=None, namespace=None):
        space = Namespace() if namespace is None else namespace
        rest, left, given = list(args or []), [], set()
        for option in self._options:
            if option.action not in ('help', 'version'):
                setattr(space, option.dest, self._defaults.get(option.dest, option.initial()))
        for name, value in self._defaults.items():
            setattr(space, name, value)
        positional = [o for o in self._options if o.positional]
        while rest:
            word = rest.pop(0)
            name, _, inline = word.partition('=')
            option = next((o for o in self._options if not o.positional and name in o.names), None)
            if option is None and not word.startswith('--') and positional:
                option, inline = positional.pop(0), word
            if option is None:
                left.append(word)
                continue
            given.add(option.dest)
            if option.action in ('store_true', 'store_false'):
                value = option.action == 'store_true'
            elif option.action == 'store_const':
                value = option.const
            elif option.action == 'count':
                value = (getattr(space, option.dest) or 0) + 1
            elif option.nargs in ('+', '*') or isinstance(option.nargs, int):
                words = [inline] if inline else []
                while rest and not rest[0].startswith('--') and len(words) != option.nargs:
                    words.append(rest.pop(0))
                value = [option.convert(w) for w in words]
            elif inline or rest:
                value = option.convert(inline or rest.pop(0))
            elif option.nargs == '?':
                value = option.const
            else:
                raise SystemExit(f'argument {"/".join(option.names)}: expected one argument')
            if option.action == 'append':
                value = (getattr(space, option.dest) or []) + [value]
            setattr(space, option.dest, value)
        missing = [o for o in self._options if o.dest not in given
                   and (o.required or (o.positional and o.nargs not in ('?', '*')))]
        if missing:
            names = ', '.join(['/'.join(o.names) for o in missing])
            raise SystemExit(f'the following arguments are required: {names}')
        return space, left

    def parse_args(self, args=None, namespace=None):
        space, left = self.parse_known_args(args, namespace)
        if left:
            raise SystemExit('unrecognized arguments: ' + ' '.join(left))
        return space

    def print_help(self, *args):
        pass
