# numpy: the scalar corner that networks use to compute sizes and rates. Arrays are lists.

pi = 3.141592653589793
e = 2.718281828459045
inf = math.inf
nan = math.nan
newaxis = None
float32 = float
float64 = float
int32 = int
int64 = int
bool_ = bool
ndarray = list


def _each(f):
    def g(x, *args, **kwargs):
        if isinstance(x, (list, tuple)):
            return [g(v) for v in x]
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
round = _each(lambda x: float(builtins_round(x)))


def power(a, b):
    return a ** b


def prod(values, *args, **kwargs):
    out = 1
    for v in values:
        out *= prod(v) if isinstance(v, (list, tuple)) else v
    return out


def sum(values, *args, **kwargs):
    out = 0
    for v in values:
        out += v
    return out


def mean(values, *args, **kwargs):
    return sum(values) / len(values)


def cumsum(values, *args, **kwargs):
    out = []
    total = 0
    for v in values:
        total += v
        out.append(total)
    return out


def linspace(start, stop, num=50, endpoint=True, **kwargs):
    if num == 1:
        return [float(start)]
    step = (stop - start) / (num - 1 if endpoint else num)
    return [start + step * k for k in range(num)]


def arange(*args, **kwargs):
    return list(range(*args))


def array(x, *args, **kwargs):
    return list(x) if isinstance(x, (list, tuple, range)) else x


asarray = array


def maximum(a, b):
    return a if a > b else b


def minimum(a, b):
    return a if a < b else b


def clip(x, low, high):
    return minimum(maximum(x, low), high)


def argmax(values):
    return values.index(max(values))


def argmin(values):
    return values.index(min(values))


def zeros(shape, *args, **kwargs):
    return _filled(shape, 0.0)


def ones(shape, *args, **kwargs):
    return _filled(shape, 1.0)


def _filled(shape, value):
    if isinstance(shape, int):
        shape = (shape,)
    if len(shape) == 0:
        return value
    return [_filled(shape[1:], value) for _ in range(shape[0])]
