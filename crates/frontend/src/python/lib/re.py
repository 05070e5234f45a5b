# re: regular expressions. `_find` and `_names` are native.

NOFLAG = 0
IGNORECASE = I = 2
LOCALE = L = 4
MULTILINE = M = 8
DOTALL = S = 16
UNICODE = U = 32
VERBOSE = X = 64
ASCII = A = 256


class error(Exception):
    pass


PatternError = error


class Match:
    def __init__(self, pattern, string, spans):
        self.re = pattern
        self.string = string
        self._spans = spans
        self.pos = 0
        self.endpos = len(string)

    def _index(self, group):
        if isinstance(group, str):
            if group not in self.re.groupindex:
                raise IndexError('no such group')
            return self.re.groupindex[group]
        if not 0 <= group < len(self._spans):
            raise IndexError('no such group')
        return group

    def _get(self, group, default=None):
        span = self._spans[self._index(group)]
        return default if span is None else self.string[span[0]:span[1]]

    def group(self, *groups):
        if not groups:
            return self._get(0)
        found = tuple([self._get(g) for g in groups])
        return found[0] if len(found) == 1 else found

    def groups(self, default=None):
        return tuple([self._get(g, default) for g in range(1, len(self._spans))])

    def groupdict(self, default=None):
        return {name: self._get(name, default) for name in self.re.groupindex}

    def span(self, group=0):
        span = self._spans[self._index(group)]
        return (-1, -1) if span is None else span

    def start(self, group=0):
        return self.span(group)[0]

    def end(self, group=0):
        return self.span(group)[1]

    @property
    def lastindex(self):
        taken = [g for g in range(1, len(self._spans)) if self._spans[g] is not None]
        return taken[-1] if taken else None

    def expand(self, template):
        return _expand(self, template)

    def __getitem__(self, group):
        return self._get(group)

    def __repr__(self):
        return f'<re.Match object; span={self.span()}, match={self._get(0)!r}>'


class Pattern:
    def __init__(self, pattern, flags=0):
        self.pattern = pattern
        self.flags = flags | UNICODE
        self._flags = flags
        names = _names(pattern, flags)
        self.groups = len(names) - 1
        self.groupindex = {name: k for k, name in enumerate(names) if name is not None}

    def _at(self, how, string, pos):
        spans = _find(self.pattern, self._flags, how, string, pos)
        return None if spans is None else Match(self, string, spans)

    def search(self, string, pos=0):
        return self._at(0, string, pos)

    def match(self, string, pos=0):
        return self._at(1, string, pos)

    def fullmatch(self, string, pos=0):
        return self._at(2, string, pos)

    def finditer(self, string, pos=0):
        while pos <= len(string):
            found = self._at(0, string, pos)
            if found is None:
                return
            yield found
            # After an empty match the next one starts a character later.
            pos = found.end() + (1 if found.end() == found.start() else 0)

    def findall(self, string, pos=0):
        if self.groups == 0:
            return [m.group() for m in self.finditer(string, pos)]
        if self.groups == 1:
            return [m.groups('')[0] for m in self.finditer(string, pos)]
        return [m.groups('') for m in self.finditer(string, pos)]

    def split(self, string, maxsplit=0):
        parts = []
        at = 0
        for k, m in enumerate(self.finditer(string)):
            if maxsplit and k >= maxsplit:
                break
            parts.append(string[at:m.start()])
            parts.extend(m.groups())
            at = m.end()
        parts.append(string[at:])
        return parts

    def subn(self, repl, string, count=0):
        parts = []
        at = 0
        done = 0
        for m in self.finditer(string):
            if count and done >= count:
                break
            parts.append(string[at:m.start()])
            parts.append(repl(m) if callable(repl) else _expand(m, repl))
            at = m.end()
            done += 1
        parts.append(string[at:])
        return ''.join(parts), done

    def sub(self, repl, string, count=0):
        return self.subn(repl, string, count)[0]

    def __repr__(self):
        return f're.compile({self.pattern!r})'


def _expand(found, template):
    if '\\' not in template:
        return template
    out = []
    k = 0
    while k < len(template):
        c = template[k]
        if c != '\\' or k + 1 == len(template):
            out.append(c)
            k += 1
            continue
        nxt = template[k + 1]
        if nxt.isdigit():
            end = k + 2
            if end < len(template) and template[end].isdigit():
                end += 1
            out.append(found._get(int(template[k + 1:end]), ''))
            k = end
        elif nxt == 'g' and template[k + 2:k + 3] == '<':
            end = template.index('>', k)
            name = template[k + 3:end]
            out.append(found._get(int(name) if name.isdigit() else name, ''))
            k = end + 1
        else:
            out.append({'n': '\n', 't': '\t', 'r': '\r', '\\': '\\'}.get(nxt, '\\' + nxt))
            k += 2
    return ''.join(out)


def _compile(pattern, flags=0):
    return pattern if isinstance(pattern, Pattern) else Pattern(pattern, flags)


def compile(pattern, flags=0):
    return _compile(pattern, flags)


def search(pattern, string, flags=0):
    return _compile(pattern, flags).search(string)


def match(pattern, string, flags=0):
    return _compile(pattern, flags).match(string)


def fullmatch(pattern, string, flags=0):
    return _compile(pattern, flags).fullmatch(string)


def findall(pattern, string, flags=0):
    return _compile(pattern, flags).findall(string)


def finditer(pattern, string, flags=0):
    return _compile(pattern, flags).finditer(string)


def split(pattern, string, maxsplit=0, flags=0):
    return _compile(pattern, flags).split(string, maxsplit)


def sub(pattern, repl, string, count=0, flags=0):
    return _compile(pattern, flags).sub(repl, string, count)


def subn(pattern, repl, string, count=0, flags=0):
    return _compile(pattern, flags).subn(repl, string, count)


def escape(pattern):
    return ''.join([c if c.isalnum() or c == '_' else '\\' + c for c in pattern])


def purge():
    pass
