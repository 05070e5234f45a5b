import random as _std

# numpy: the corner that networks use to compute sizes, rates and small tables. An array is a list of lists that computes.

pi = 3.141592653589793
e = 2.718281828459045
inf = math.inf
nan = math.nan
newaxis = None
float32 = float
float64 = float
float16 = float
int32 = int
int64 = int
int8 = int
uint8 = int
bool_ = bool


def _wrap(x):
    return ndarray([_wrap(v) for v in x]) if isinstance(x, (list, tuple, range)) else x


def _plain(x):
    return [_plain(v) for v in x] if isinstance(x, list) else x


def _zip(f, a, b):
    a_list, b_list = isinstance(a, (list, tuple)), isinstance(b, (list, tuple))
    if a_list and b_list:
        if _rank(a) > _rank(b):
            return ndarray([_zip(f, x, b) for x in a])
        if _rank(a) < _rank(b):
            return ndarray([_zip(f, a, y) for y in b])
        if len(a) == 1 and len(b) != 1:
            return ndarray([_zip(f, a[0], y) for y in b])
        if len(b) == 1 and len(a) != 1:
            return ndarray([_zip(f, x, b[0]) for x in a])
        if len(a) != len(b):
            raise ValueError('operands could not be broadcast together')
        return ndarray([_zip(f, x, y) for x, y in zip(a, b)])
    if a_list:
        return ndarray([_zip(f, x, b) for x in a])
    if b_list:
        return ndarray([_zip(f, a, y) for y in b])
    return f(a, b)


def _pick(x, index):
    if not index:
        return x
    head, rest = index[0], index[1:]
    if head is None:
        return ndarray([_pick(x, rest)])
    if isinstance(head, slice):
        return ndarray([_pick(row, rest) for row in list.__getitem__(x, head)])
    return _pick(list.__getitem__(x, head), rest)


def _rank(x):
    return 1 + (_rank(x[0]) if len(x) else 0) if isinstance(x, (list, tuple)) else 0


class ndarray(list):
    @property
    def shape(self):
        out = []
        x = self
        while isinstance(x, list):
            out.append(len(x))
            x = x[0] if len(x) else None
        return tuple(out)

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def size(self):
        return prod(self.shape)

    @property
    def T(self):
        return ndarray([ndarray(x) for x in zip(*self)]) if self.ndim == 2 else self

    def tolist(self):
        return _plain(self)

    def astype(self, kind):
        return _each(kind)(self) if callable(kind) else self

    def item(self):
        x = self
        while isinstance(x, list):
            x = x[0]
        return x

    def flatten(self):
        out = []
        for x in self:
            out.extend(x.flatten() if isinstance(x, ndarray) else [x])
        return ndarray(out)

    ravel = flatten

    def _shaped_like(self, value):
        # One value in as many dimensions of size 1.
        for _ in range(self.ndim):
            value = ndarray([value])
        return value

    def copy(self):
        return _wrap(_plain(self))

    def reshape(self, *shape):
        shape = list(shape[0]) if len(shape) == 1 and isinstance(shape[0], (list, tuple)) else list(shape)
        flat = self.flatten()
        known = 1
        for n in shape:
            known *= n if n != -1 else 1
        return _shaped(list(flat), [len(flat) // known if n == -1 else n for n in shape])

    def sum(self, axis=None, keepdims=False):
        return _sum(self, axis, keepdims=keepdims)

    def mean(self, axis=None, keepdims=False):
        return _mean(self, axis, keepdims=keepdims)

    def max(self, axis=None, keepdims=False):
        return _largest(self, axis, keepdims=keepdims)

    def min(self, axis=None, keepdims=False):
        return _smallest(self, axis, keepdims=keepdims)

    def prod(self, axis=None, keepdims=False):
        return _prod(self, axis, keepdims=keepdims)

    def std(self, axis=None, keepdims=False):
        return _deviation(self, axis, keepdims=keepdims)

    def var(self, axis=None, keepdims=False):
        return _var(self, axis, keepdims=keepdims)

    def __getitem__(self, index):
        if index is None:
            return ndarray([self])
        if isinstance(index, tuple):
            return _pick(self, index)
        found = list.__getitem__(self, index)
        return ndarray(found) if isinstance(index, slice) else found

    def __setitem__(self, index, value):
        if isinstance(index, tuple) and len(index) > 1 and all([isinstance(k, ndarray) for k in index]):
            values = value if isinstance(value, list) else [value] * len(index[0])
            for place, v in zip(zip(*index), values):
                row = self
                for k in place[:-1]:
                    row = list.__getitem__(row, k)
                list.__setitem__(row, place[-1], v)
            return
        if isinstance(index, tuple) and len(index) > 1:
            head, rest = index[0], index[1:]
            rows = list.__getitem__(self, head) if isinstance(head, slice) else [list.__getitem__(self, head)]
            for row in rows:
                row[rest if len(rest) > 1 else rest[0]] = value
        else:
            list.__setitem__(self, index[0] if isinstance(index, tuple) else index, value)

    def __add__(self, other):
        return _zip(lambda a, b: a + b, self, other)

    __radd__ = __add__

    def __sub__(self, other):
        return _zip(lambda a, b: a - b, self, other)

    def __rsub__(self, other):
        return _zip(lambda a, b: b - a, self, other)

    def __mul__(self, other):
        return _zip(lambda a, b: a * b, self, other)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return _zip(lambda a, b: a / b, self, other)

    def __rtruediv__(self, other):
        return _zip(lambda a, b: b / a, self, other)

    def __floordiv__(self, other):
        return _zip(lambda a, b: a // b, self, other)

    def __pow__(self, other):
        return _zip(lambda a, b: a ** b, self, other)

    def __rfloordiv__(self, other):
        return _zip(lambda a, b: b // a, self, other)

    def __mod__(self, other):
        return _zip(lambda a, b: a % b, self, other)

    def __rpow__(self, other):
        return _zip(lambda a, b: b ** a, self, other)

    def __matmul__(self, other):
        return dot(self, other)

    def __lt__(self, other):
        return _zip(lambda a, b: a < b, self, other)

    def __le__(self, other):
        return _zip(lambda a, b: a <= b, self, other)

    def __gt__(self, other):
        return _zip(lambda a, b: a > b, self, other)

    def __ge__(self, other):
        return _zip(lambda a, b: a >= b, self, other)

    def cumsum(self):
        return cumsum(self)

    def any(self):
        return any([bool(v) for v in self.flatten()])

    def all(self):
        return all([bool(v) for v in self.flatten()])

    def __abs__(self):
        return abs(self)

    def __neg__(self):
        return _each(lambda x: -x)(self)


def _shaped(flat, shape):
    if len(shape) <= 1:
        return ndarray(flat)
    step = len(flat) // shape[0] if shape[0] else 0
    return ndarray([_shaped(flat[k * step:(k + 1) * step], shape[1:]) for k in range(shape[0])])


def _max(values):
    best = None
    for v in values:
        best = v if best is None or v > best else best
    return best


def _min(values):
    best = None
    for v in values:
        best = v if best is None or v < best else best
    return best


def _along(f, x, axis, keepdims):
    if axis > 0:
        return ndarray([_along(f, row, axis - 1, keepdims) for row in x])
    if isinstance(x[0], (list, tuple)):
        out = ndarray([_along(f, [row[k] for row in x], 0, False) for k in range(len(x[0]))])
    else:
        out = f(x)
    return ndarray([out]) if keepdims else out


def _over(f):
    # A function of many numbers: of all there are, or of those along one axis.
    def reduced(values, axis=None, dtype=None, out=None, keepdims=False):
        if not isinstance(values, (list, tuple)):
            values = [values] if isinstance(values, (int, float)) else list(values)
        values = _wrap(values)
        if axis is None:
            result = f(list(values.flatten()))
            return values._shaped_like(result) if keepdims else result
        for k in sorted([a % values.ndim for a in (axis if isinstance(axis, tuple) else (axis,))], reverse=True):
            values = _along(f, values, k, keepdims)
        return values
    return reduced


def _total(values):
    out = 0
    for v in values:
        out = out + v
    return out


def _product(values):
    out = 1
    for v in values:
        out = out * v
    return out


def _average(values):
    return _total(values) / len(values)


def _variance(values):
    center = _average(values)
    return _average([(v - center) ** 2 for v in values])


# Names of their own, since those of NumPy hide Python's.
_sum = _over(_total)
_prod = _over(_product)
_mean = _over(_average)
_var = _over(_variance)
_deviation = _over(lambda values: math.sqrt(_variance(values)))
_largest = _over(_max)
_smallest = _over(_min)
sum = _sum
prod = _prod
mean = _mean
var = _var
std = _deviation
max = _largest
min = _smallest
amax = _largest
amin = _smallest


def _each(f):
    def g(x, *args, **kwargs):
        if isinstance(x, (list, tuple)):
            return ndarray([g(v) for v in x])
        return f(x)
    return g


sqrt = _each(math.sqrt)
exp = _each(math.exp)
log = _each(math.log)
log2 = _each(math.log2)
log10 = _each(math.log10)
sin = _each(math.sin)
cos = _each(math.cos)
tanh = _each(math.tanh)
floor = _each(lambda x: float(math.floor(x)))
ceil = _each(lambda x: float(math.ceil(x)))
abs = _each(lambda x: -x if x < 0 else x)
sign = _each(lambda x: (x > 0) - (x < 0))
square = _each(lambda x: x * x)
isnan = _each(math.isnan)


def _half_even(x):
    low = math.floor(x)
    over = x - low
    return float(low if over < 0.5 or (over == 0.5 and low % 2 == 0) else low + 1)


def round(x, decimals=0, out=None):
    scale = 10.0 ** decimals
    return _each(lambda v: v if isinstance(v, int) else _half_even(v * scale) / scale)(x)


around = round


def power(a, b):
    return _zip(lambda x, y: x ** y, a, b)


def add(a, b):
    return _zip(lambda x, y: x + y, a, b)


def subtract(a, b):
    return _zip(lambda x, y: x - y, a, b)


def multiply(a, b):
    return _zip(lambda x, y: x * y, a, b)


def divide(a, b):
    return _zip(lambda x, y: x / y, a, b)


true_divide = divide


def floor_divide(a, b):
    return _zip(lambda x, y: x // y, a, b)


def mod(a, b):
    return _zip(lambda x, y: x % y, a, b)


def where(condition, x, y):
    taken = _zip(lambda c, a: a if c else 0, condition, x)
    other = _zip(lambda c, b: 0 if c else b, condition, y)
    return _zip(lambda a, b: a + b, taken, other)


def unique(values, return_index=False, return_inverse=False, return_counts=False):
    flat = list(_wrap(values).flatten()) if isinstance(values, (list, tuple)) else [values]
    found = ndarray(sorted(set(flat)))
    out = [found]
    if return_index:
        out.append(ndarray([flat.index(v) for v in found]))
    if return_inverse:
        out.append(ndarray([found.index(v) for v in flat]))
    if return_counts:
        out.append(ndarray([flat.count(v) for v in found]))
    return out[0] if len(out) == 1 else tuple(out)


def sort(values):
    return ndarray(sorted(values))


def repeat(values, n):
    return ndarray([v for v in (values if isinstance(values, (list, tuple)) else [values]) for _ in range(n)])


def tile(values, n):
    return ndarray([v for _ in range(n) for v in values])


def full(shape, value, *args, **kwargs):
    return _filled(shape, value)


def diff(values):
    return ndarray([b - a for a, b in zip(values[:-1], values[1:])])


def dot(a, b):
    return sum([x * y for x, y in zip(a, b)])


def median(values):
    ordered = sorted(values)
    half = len(ordered) // 2
    return float(ordered[half]) if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def isclose(a, b, rtol=1e-5, atol=1e-8):
    return _zip(lambda x, y: (x - y if x > y else y - x) <= atol + rtol * (y if y > 0 else -y), a, b)


def geomspace(start, stop, num=50):
    return ndarray([start * (stop / start) ** (k / (num - 1)) for k in range(num)]) if num > 1 else ndarray([float(start)])


def logspace(start, stop, num=50, endpoint=True, base=10.0):
    return _each(lambda x: base ** x)(linspace(start, stop, num, endpoint))


class _Random:
    def seed(self, *args):
        pass

    def default_rng(self, seed=None):
        return self

    def RandomState(self, seed=None):
        return self

    def standard_normal(self, size=()):
        return self.normal(0.0, 1.0, size)

    def integers(self, low, high=None, size=None):
        return self.randint(low, high, size)

    def rand(self, *shape):
        return _filled_by(shape, _std.random)

    def randn(self, *shape):
        return _filled_by(shape, lambda: _std.gauss(0.0, 1.0))

    def random(self, size=()):
        return _filled_by((size,) if isinstance(size, int) else size, _std.random)

    def uniform(self, low=0.0, high=1.0, size=()):
        return _filled_by((size,) if isinstance(size, int) else size, lambda: _std.uniform(low, high))

    def normal(self, loc=0.0, scale=1.0, size=()):
        return _filled_by((size,) if isinstance(size, int) else size, lambda: _std.gauss(loc, scale))

    def randint(self, low, high=None, size=None):
        if high is None:
            low, high = 0, low
        if size is None:
            return _std.randint(low, high - 1)
        return _filled_by((size,) if isinstance(size, int) else size, lambda: _std.randint(low, high - 1))

    def choice(self, values, size=None, replace=True, p=None):
        pool = list(range(values)) if isinstance(values, int) else list(values)
        if size is None:
            return _std.choice(pool)
        return ndarray(_std.sample(pool, size) if not replace else [_std.choice(pool) for _ in range(size)])

    def permutation(self, values):
        pool = list(range(values)) if isinstance(values, int) else list(values)
        _std.shuffle(pool)
        return ndarray(pool)

    def binomial(self, n, p, size=()):
        draw = lambda: len([0 for _ in range(n) if _std.random() < p])
        return _filled_by((size,) if isinstance(size, int) else size, draw)

    def shuffle(self, values):
        _std.shuffle(values)


random = _Random()


def _filled_by(shape, draw):
    if len(shape) == 0:
        return draw()
    return ndarray([_filled_by(shape[1:], draw) for _ in range(shape[0])])


def cumsum(values, *args, **kwargs):
    out = []
    total = 0
    for v in values:
        total += v
        out.append(total)
    return ndarray(out)


def cumprod(values):
    out = []
    total = 1
    for v in values:
        total *= v
        out.append(total)
    return ndarray(out)


def argsort(values):
    return ndarray(sorted(_places(len(values)), key=lambda k: values[k]))


def _places(n):
    return [k for k, _ in enumerate([0] * n)]


def triu_indices(n, k=0, m=None):
    m = n if m is None else m
    found = [(i, j) for i in _places(n) for j in _places(m) if j - i >= k]
    return ndarray([i for i, _ in found]), ndarray([j for _, j in found])


def tril_indices(n, k=0, m=None):
    m = n if m is None else m
    found = [(i, j) for i in _places(n) for j in _places(m) if j - i <= k]
    return ndarray([i for i, _ in found]), ndarray([j for _, j in found])


def linspace(start, stop, num=50, endpoint=True, **kwargs):
    if num == 1:
        return ndarray([float(start)])
    step = (stop - start) / (num - 1 if endpoint else num)
    return ndarray([start + step * k for k in range(num)])


def arange(start, stop=None, step=1, dtype=None):
    if stop is None:
        start, stop = 0, start
    return ndarray([start + step * k for k in range(max_0(math.ceil((stop - start) / step)))])


def max_0(n):
    return n if n > 0 else 0


def split(ary, indices_or_sections, axis=0):
    if axis:
        _unsupported('unsupported', 'numpy.split along another axis than the first')
    if isinstance(indices_or_sections, int):
        if len(ary) % indices_or_sections:
            raise ValueError('array split does not result in an equal division')
        return array_split(ary, indices_or_sections)
    bounds = [0] + list(indices_or_sections) + [len(ary)]
    return [ndarray(list(ary)[a:b]) for a, b in zip(bounds[:-1], bounds[1:])]


def array_split(ary, sections, axis=0):
    if not isinstance(sections, int):
        return split(ary, sections, axis)
    each, more = divmod(len(ary), sections)
    bounds = [k * each + (k if k < more else more) for k in range(sections + 1)]
    return split(ary, bounds[1:-1], axis)


def concatenate(arrays, axis=0):
    out = []
    for a in arrays:
        out.extend(a)
    return ndarray(out)


def stack(arrays, axis=0):
    rows = ndarray([_wrap(a) for a in arrays])
    return rows.T if axis in (1, -1) else rows


def eye(n):
    return ndarray([ndarray([1.0 if i == j else 0.0 for j in range(n)]) for i in range(n)])


def outer(a, b):
    return ndarray([ndarray([x * y for y in b]) for x in a])


def array(x, *args, **kwargs):
    return _wrap(x)


asarray = array


def maximum(a, b):
    return _zip(lambda x, y: x if x > y else y, a, b)


def minimum(a, b):
    return _zip(lambda x, y: x if x < y else y, a, b)


def clip(x, low, high):
    return minimum(maximum(x, low), high)


def argmax(values):
    return values.index(_max(values))


def argmin(values):
    return values.index(_min(values))


def zeros(shape, *args, **kwargs):
    return _filled(shape, 0.0)


def ones(shape, *args, **kwargs):
    return _filled(shape, 1.0)


def _filled(shape, value):
    if isinstance(shape, int):
        shape = (shape,)
    if len(shape) == 0:
        return value
    return ndarray([_filled(shape[1:], value) for _ in range(shape[0])])
