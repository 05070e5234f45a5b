# json: texts that are part of the source; files are refused. In Python, because a network may see the order of keys, NaN,
# whole numbers of any size, and the words and place of an error.


class JSONDecodeError(ValueError):
    def __init__(self, msg, doc, pos):
        self.msg, self.doc, self.pos = msg, doc, pos
        self.lineno = doc.count('\n', 0, pos) + 1
        self.colno = pos - doc.rfind('\n', 0, pos)
        super().__init__(f'{msg}: line {self.lineno} column {self.colno} (char {pos})')


_ESCAPES = {'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}
_WORDS = {'null': None, 'true': True, 'false': False, 'NaN': float('nan'), 'Infinity': float('inf'),
          '-Infinity': float('-inf')}


class _Reader:
    def __init__(self, text, hook):
        self.text, self.at, self.hook = text, 0, hook

    def fail(self, what, at=None):
        raise JSONDecodeError(what, self.text, self.at if at is None else at)

    def peek(self):
        while self.text[self.at:self.at + 1] in (' ', '\t', '\n', '\r'):
            self.at += 1
        return self.text[self.at:self.at + 1]

    def value(self):
        c = self.peek()
        if c == '{':
            return self.pairs()
        if c == '[':
            return self.items()
        if c == '"':
            return self.string()
        for word, value in _WORDS.items():
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        end = self.at
        while self.text[end:end + 1] != '' and self.text[end] in '+-.0123456789eE':
            end += 1
        number = self.text[self.at:end]
        try:
            value = float(number) if '.' in number or 'e' in number or 'E' in number else int(number)
        except ValueError:
            self.fail('Expecting value')
        self.at = end
        return value

    def items(self):
        self.at += 1
        out = []
        if self.peek() == ']':
            self.at += 1
            return out
        while True:
            out.append(self.value())
            c = self.peek()
            if c not in (',', ']'):
                self.fail("Expecting ',' delimiter")
            self.at += 1
            if c == ']':
                return out

    def pairs(self):
        self.at += 1
        out = {}
        if self.peek() == '}':
            self.at += 1
            return out if self.hook is None else self.hook(out)
        while True:
            if self.peek() != '"':
                self.fail('Expecting property name enclosed in double quotes')
            key = self.string()
            if self.peek() != ':':
                self.fail("Expecting ':' delimiter")
            self.at += 1
            out[key] = self.value()
            c = self.peek()
            if c not in (',', '}'):
                self.fail("Expecting ',' delimiter")
            self.at += 1
            if c == '}':
                return out if self.hook is None else self.hook(out)

    def string(self):
        start = self.at
        self.at += 1
        out = []
        while True:
            c = self.text[self.at:self.at + 1]
            if c == '' or c == '\n':
                self.fail('Unterminated string starting at', start)
            self.at += 1
            if c == '"':
                return ''.join(out)
            if c != '\\':
                out.append(c)
                continue
            c = self.text[self.at:self.at + 1]
            self.at += 1
            if c == 'u':
                code = self.unit()
                # A character beyond 16 bits is written as two units.
                if 0xd800 <= code < 0xdc00 and self.text[self.at:self.at + 2] == '\\u':
                    self.at += 2
                    code = 0x10000 + (code - 0xd800 << 10) + (self.unit() - 0xdc00)
                out.append(chr(code))
            elif c in _ESCAPES:
                out.append(_ESCAPES[c])
            else:
                self.fail('Invalid \\escape', self.at - 2)

    def unit(self):
        digits = self.text[self.at:self.at + 4]
        if len(digits) < 4 or any([d not in '0123456789abcdefABCDEF' for d in digits]):
            self.fail('Invalid \\uXXXX escape', self.at - 1)
        self.at += 4
        return int(digits, 16)


def loads(s, *, object_hook=None, **options):
    if not isinstance(s, (str, bytes)):
        raise TypeError(f'the JSON object must be str, bytes or bytearray, not {type(s).__name__}')
    reader = _Reader(s if isinstance(s, str) else s.decode(), object_hook)
    value = reader.value()
    if reader.peek() != '':
        reader.fail('Extra data')
    return value


def _quoted(text, ascii):
    out = ['"']
    for c in text:
        code = ord(c)
        if c in '"\\':
            out.append('\\' + c)
        elif c in '\n\r\t\b\f':
            out.append({'\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f'}[c])
        elif code < 32 or (ascii and 126 < code < 65536):
            out.append(f'\\u{code:04x}')
        elif ascii and code >= 65536:
            out.append(f'\\u{0xd800 + (code - 65536 >> 10):04x}\\u{0xdc00 + (code - 65536 & 1023):04x}')
        else:
            out.append(c)
    out.append('"')
    return ''.join(out)


def _plain(value):
    if value is None:
        return 'null'
    if value is True:
        return 'true'
    if value is False:
        return 'false'
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if value != value:
            return 'NaN'
        return {float('inf'): 'Infinity', float('-inf'): '-Infinity'}.get(value) or float.__repr__(value)
    return None


def dumps(obj, *, skipkeys=False, ensure_ascii=True, check_circular=True, allow_nan=True, cls=None, indent=None,
          separators=None, default=None, sort_keys=False):
    comma, colon = separators or ((', ' if indent is None else ','), ': ')
    step = ' ' * indent if isinstance(indent, int) else indent

    def joined(parts, left, right, depth):
        if not parts:
            return left + right
        if step is None:
            return left + comma.join(parts) + right
        margin = '\n' + step * depth
        return left + margin + step + (comma + margin + step).join(parts) + margin + right

    def name(key):
        if isinstance(key, str):
            return key
        text = _plain(key)
        if text is None:
            raise TypeError(f'keys must be str, int, float, bool or None, not {type(key).__name__}')
        return text

    def write(value, depth):
        if isinstance(value, str):
            return _quoted(value, ensure_ascii)
        text = _plain(value)
        if text is not None:
            return text
        if isinstance(value, (list, tuple)):
            return joined([write(v, depth + 1) for v in value], '[', ']', depth)
        if isinstance(value, dict):
            pairs = sorted(value.items()) if sort_keys else value.items()
            parts = [_quoted(name(k), ensure_ascii) + colon + write(v, depth + 1) for k, v in pairs]
            return joined(parts, '{', '}', depth)
        if default is None:
            raise TypeError(f'Object of type {type(value).__name__} is not JSON serializable')
        return write(default(value), depth)
    return write(obj, 0)


def load(*args, **options):
    _refuse('json.load')


def dump(*args, **options):
    _refuse('json.dump')
