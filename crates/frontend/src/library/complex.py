# Complex tensors: two real tensors of one shape. Nothing below knows of them; every operator is written out in real ones.

# Functions that do the same to both parts.
_EACH = ('view', 'reshape', 'permute', 'transpose', 'unsqueeze', 'squeeze', 'flatten', 'unflatten', 'expand', 'expand_as',
         'repeat', 'repeat_interleave', 'clone', 'detach', 'flip', 'roll', 'narrow', 'movedim', 'swapaxes', 'select', 't',
         'contiguous', 'mean', 'sum', 'cumsum', 'diagonal', 'tile', 'index_select', 'gather', 'take_along_dim', 'tril',
         'triu', 'broadcast_to', 'view_as', 'pad', 'neg', 'rot90', 'squeeze_', 'unsqueeze_')
# Functions that give several tensors.
_MANY = ('chunk', 'split', 'unbind', 'tensor_split', 'split_with_sizes')
# Functions that PyTorch has for real numbers alone.
_REAL = ('relu', 'relu6', 'leaky_relu', 'gelu', 'elu', 'hardtanh', 'clamp', 'max', 'min', 'amax', 'amin', 'argmax', 'softmax',
         'log_softmax', 'max_pool2d', 'avg_pool2d', 'adaptive_avg_pool2d', 'adaptive_max_pool2d', 'layer_norm', 'batch_norm',
         'group_norm', 'interpolate', 'hardswish', 'floor', 'ceil', 'maximum', 'minimum', 'topk', 'sort', 'gt', 'lt', 'ge',
         'le', 'atan2', 'erf')
# Functions of a real weight, which want the same element type.
_WEIGHED = ('conv1d', 'conv2d', 'conv3d', 'linear', 'mm', 'bmm', 'matmul', 'conv_transpose2d')


class _Complex:
    def __init__(self, real, imag):
        if real.shape != imag.shape:
            real, imag = torch.broadcast_tensors(real, imag)
        self.real = real
        self.imag = imag

    shape = property(lambda self: self.real.shape)
    ndim = property(lambda self: self.real.ndim)
    dtype = property(lambda self: torch.complex128 if self.real.dtype == torch.float64 else torch.complex64)
    device = property(lambda self: self.real.device)
    requires_grad = property(lambda self: self.real.requires_grad or self.imag.requires_grad)
    T = property(lambda self: self._both(lambda t: t.T))
    mT = property(lambda self: self._both(lambda t: t.mT))
    mH = property(lambda self: self.mT.conj())
    H = property(lambda self: self.mT.conj())
    data = property(lambda self: self._both(lambda t: t.data))

    def size(self, dim=None):
        return self.real.size() if dim is None else self.real.size(dim)

    def dim(self):
        return self.real.ndim

    def numel(self):
        return self.real.numel()

    def element_size(self):
        return 2 * self.real.element_size()

    def is_complex(self):
        return True

    def is_floating_point(self):
        return False

    def is_contiguous(self):
        return True

    def _both(self, f):
        return _Complex(f(self.real), f(self.imag))

    def __getitem__(self, index):
        return self._both(lambda t: t[index])

    def __setitem__(self, index, value):
        re, im = _parts(value)
        self.real[index] = re
        self.imag[index] = 0.0 if im is None else im

    def __len__(self):
        return len(self.real)

    def __iter__(self):
        return iter([self[k] for k in range(len(self.real))])

    def __neg__(self):
        return self._both(lambda t: -t)

    def __add__(self, other):
        re, im = _parts(other)
        return _Complex(self.real + re, self.imag if im is None else self.imag + im)

    __radd__ = __add__

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return -self + other

    def __mul__(self, other):
        re, im = _parts(other)
        if im is None:
            return self._both(lambda t: t * re)
        return _Complex(self.real * re - self.imag * im, self.real * im + self.imag * re)

    __rmul__ = __mul__

    def __truediv__(self, other):
        re, im = _parts(other)
        if im is None:
            return self._both(lambda t: t / re)
        size = re * re + im * im
        return _Complex((self.real * re + self.imag * im) / size, (self.imag * re - self.real * im) / size)

    def __rtruediv__(self, other):
        return _as_complex(other) / self

    def __pow__(self, exponent):
        if isinstance(exponent, int) and 0 <= exponent <= 8:
            out = _Complex(torch.ones_like(self.real), torch.zeros_like(self.real))
            for _ in range(exponent):
                out = out * self
            return out
        return _exp(_log(self) * exponent)

    def __rpow__(self, base):
        return _exp(self * (math.log(base) if not isinstance(base, torch.Tensor) else base.log()))

    def __matmul__(self, other):
        return _product(torch.matmul, self, other)

    def __rmatmul__(self, other):
        return _product(torch.matmul, other, self)

    def __eq__(self, other):
        other = _as_complex(other)
        return (self.real == other.real) & (self.imag == other.imag)

    def __ne__(self, other):
        return ~(self == other)

    def __abs__(self):
        return self.abs()

    def __bool__(self):
        return bool((self.real != 0) | (self.imag != 0))

    def conj(self):
        return _Complex(self.real, -self.imag)

    conj_physical = conj

    def resolve_conj(self):
        return self

    resolve_neg = resolve_conj

    def is_conj(self):
        return False

    def abs(self):
        return torch.linalg.vector_norm(torch.stack([self.real, self.imag], -1), dim=-1)

    def angle(self):
        return torch.atan2(self.imag, self.real)

    def type(self, dtype=None):
        return self if dtype is None or dtype in _DTYPES else self.to(dtype)

    def to(self, *args, **kwargs):
        # A real type takes the real part.
        for kind in [*args, *kwargs.values()]:
            if isinstance(kind, torch.dtype):
                return self.real.to(kind)
        return self

    def float(self):
        return self.real.float()

    def double(self):
        return self.real.double()

    def cpu(self):
        return self

    def cuda(self, *args, **kwargs):
        return self

    def requires_grad_(self, requires_grad=True):
        self.real.requires_grad_(requires_grad)
        self.imag.requires_grad_(requires_grad)
        return self

    def __getattr__(self, name):
        if name in _EACH or name in _MANY or name in _REAL or name in _WEIGHED or name in _OPERATORS or name.endswith('_like'):
            return lambda *args, **kwargs: _operator(name, self, *args, **kwargs)
        if name.endswith('_') and not name.startswith('_') and name[:-1] in _OPERATORS:
            return lambda *args, **kwargs: self._become(_operator(name[:-1], self, *args, **kwargs))
        raise AttributeError(f"'Tensor' object has no attribute '{name}'")

    def _become(self, other):
        self.real, self.imag = other.real, other.imag
        return self


class complex:
    # A Python number.
    def __init__(self, real=0.0, imag=0.0):
        if isinstance(real, complex):
            real, imag = real.real, real.imag + imag
        self.real = float(real)
        self.imag = float(imag)

    def conjugate(self):
        return complex(self.real, -self.imag)

    def __neg__(self):
        return complex(-self.real, -self.imag)

    def __pos__(self):
        return self

    def __abs__(self):
        return math.hypot(self.real, self.imag)

    def __bool__(self):
        return self.real != 0 or self.imag != 0

    def __hash__(self):
        return hash((self.real, self.imag)) if self.imag else hash(self.real)

    def _with(self, other, number, tensor):
        if isinstance(other, torch.Tensor):
            return tensor(_Complex(other, torch.zeros_like(other)))
        if isinstance(other, _Complex):
            return NotImplemented
        if isinstance(other, (int, float)):
            other = complex(other)
        return number(other) if isinstance(other, complex) else NotImplemented

    def __add__(self, other):
        return self._with(other, lambda o: complex(self.real + o.real, self.imag + o.imag), lambda t: t + self)

    __radd__ = __add__

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return -self + other

    def __mul__(self, other):
        if isinstance(other, torch.Tensor):
            return _Complex(other * self.real, other * self.imag)
        return self._with(other, lambda o: complex(self.real * o.real - self.imag * o.imag,
                                                   self.real * o.imag + self.imag * o.real), None)

    __rmul__ = __mul__

    def __truediv__(self, other):
        def number(o):
            size = o.real * o.real + o.imag * o.imag
            if size == 0:
                raise ZeroDivisionError('complex division by zero')
            return complex((self.real * o.real + self.imag * o.imag) / size, (self.imag * o.real - self.real * o.imag) / size)
        return self._with(other, number, lambda t: t.__rtruediv__(self))

    def __rtruediv__(self, other):
        return self._with(other, lambda o: o / self, lambda t: t / self)

    def __pow__(self, other):
        def number(o):
            if not self:
                return complex(1.0 if not o else 0.0)
            size, turn = math.log(abs(self)), math.atan2(self.imag, self.real)
            radius, angle = math.exp(o.real * size - o.imag * turn), o.imag * size + o.real * turn
            return complex(radius * math.cos(angle), radius * math.sin(angle))
        if isinstance(other, int) and 0 <= other <= 100:
            out = complex(1.0)
            for _ in range(other):
                out = out * self
            return out
        return self._with(other, number, lambda t: _exp(t * _logarithm(self)))

    def __rpow__(self, other):
        return self._with(other, lambda o: o ** self, lambda t: _exp(_log(t) * self))

    def __eq__(self, other):
        if isinstance(other, (int, float)):
            return self.imag == 0 and self.real == other
        return isinstance(other, complex) and self.real == other.real and self.imag == other.imag

    def __repr__(self):
        text = lambda v: repr(v)[:-2] if repr(v).endswith('.0') else repr(v)
        sign = '-' if math.copysign(1.0, self.imag) < 0 else '+'
        if self.real == 0 and math.copysign(1.0, self.real) > 0:
            return text(self.imag) + 'j'
        return f'({text(self.real)}{sign}{text(abs(self.imag))}j)'


_DTYPES = (torch.complex64, torch.complex128)


def _logarithm(number):
    return complex(math.log(abs(number)), math.atan2(number.imag, number.real))


def _parts(value):
    return (value.real, value.imag) if isinstance(value, (_Complex, complex)) else (value, None)


def _as_complex(value):
    if isinstance(value, _Complex):
        return value
    re, im = _parts(value)
    re = re if isinstance(re, torch.Tensor) else torch.tensor(float(re))
    re = re if re.is_floating_point() else re.float()
    return _Complex(re, torch.zeros_like(re) if im is None else torch.tensor(float(im)))


def _product(f, a, b):
    # Of a function that is linear in both.
    a_re, a_im = _parts(a)
    b_re, b_im = _parts(b)
    if a_im is None:
        return _Complex(f(a_re, b_re), f(a_re, b_im))
    if b_im is None:
        return _Complex(f(a_re, b_re), f(a_im, b_re))
    return _Complex(f(a_re, b_re) - f(a_im, b_im), f(a_re, b_im) + f(a_im, b_re))


def _exp(z):
    size = z.real.exp()
    return _Complex(size * z.imag.cos(), size * z.imag.sin())


def _log(z):
    z = _as_complex(z)
    return _Complex(z.abs().log(), z.angle())


def _sqrt(z):
    size, turn = z.abs().sqrt(), z.angle() / 2
    return _Complex(size * turn.cos(), size * turn.sin())


def _tanh(z):
    # sinh 2x + i sin 2y over cosh 2x + cos 2y.
    below = (2 * z.real).cosh() + (2 * z.imag).cos()
    return _Complex((2 * z.real).sinh() / below, (2 * z.imag).sin() / below)


def _joined(f, tensors, *args, **kwargs):
    tensors = [_as_complex(t) for t in tensors]
    return _Complex(f([t.real for t in tensors], *args, **kwargs), f([t.imag for t in tensors], *args, **kwargs))


def _einsum(equation, *operands):
    # Linear in each operand: the product of all sums of parts, multiplied out.
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = operands[0]
    terms = [([], 0)]
    for operand in operands:
        re, im = _parts(operand)
        terms = [(t + [p], turns + k) for t, turns in terms for k, p in enumerate((re, im)) if p is not None]
    parts = [None, None]
    for tensors, turns in terms:
        value = torch.einsum(equation, *tensors)
        value = -value if turns % 4 in (2, 3) else value
        parts[turns % 2] = value if parts[turns % 2] is None else parts[turns % 2] + value
    return _Complex(*parts)


def _where(condition, input, other):
    a, b = _as_complex(input), _as_complex(other)
    return _Complex(torch.where(condition, a.real, b.real), torch.where(condition, a.imag, b.imag))


def _masked_fill(z, mask, value):
    re, im = _parts(value)
    return _Complex(z.real.masked_fill(mask, re), z.imag.masked_fill(mask, 0.0 if im is None else im))


def _dropout(z, p=0.5, training=True, inplace=False):
    kept = F.dropout(torch.ones_like(z.real), p, training)
    return z * kept


def _norm(z, *args, **kwargs):
    return z.abs().norm(*args, **kwargs)


def _like(f):
    return lambda z, **kwargs: _Complex(f(z.real), torch.zeros_like(z.imag))


def _copy(z, source, non_blocking=False):
    return _Complex(torch.zeros_like(z.real), torch.zeros_like(z.imag)) + source


_OPERATORS = {
    'abs': lambda z: z.abs(), 'absolute': lambda z: z.abs(), 'angle': lambda z: z.angle(), 'conj': lambda z: z.conj(),
    'conj_physical': lambda z: z.conj(), 'resolve_conj': lambda z: z,
    'real': lambda z: z.real, 'imag': lambda z: z.imag,
    'mul': lambda a, b: _as_complex(a) * b, 'multiply': lambda a, b: _as_complex(a) * b,
    'add': lambda a, b, alpha=1: _as_complex(a) + alpha * b, 'sub': lambda a, b, alpha=1: _as_complex(a) - alpha * b,
    'div': lambda a, b: _as_complex(a) / b, 'true_divide': lambda a, b: _as_complex(a) / b,
    'pow': lambda a, b: _as_complex(a) ** b, 'square': lambda z: z * z, 'reciprocal': lambda z: 1.0 / z,
    'matmul': lambda a, b: _product(torch.matmul, a, b), 'mm': lambda a, b: _product(torch.mm, a, b),
    'bmm': lambda a, b: _product(torch.bmm, a, b), 'dot': lambda a, b: _product(torch.dot, a, b),
    'mv': lambda a, b: _product(torch.mv, a, b), 'outer': lambda a, b: _product(torch.outer, a, b),
    'einsum': _einsum, 'exp': _exp, 'log': _log, 'sqrt': _sqrt, 'tanh': _tanh,
    'sin': lambda z: _Complex(z.real.sin() * z.imag.cosh(), z.real.cos() * z.imag.sinh()),
    'cos': lambda z: _Complex(z.real.cos() * z.imag.cosh(), -z.real.sin() * z.imag.sinh()),
    'sigmoid': lambda z: 1.0 / (_exp(-z) + 1.0), 'silu': lambda z: z / (_exp(-z) + 1.0),
    'cat': lambda tensors, dim=0, **_: _joined(torch.cat, tensors, dim),
    'concat': lambda tensors, dim=0, **_: _joined(torch.cat, tensors, dim),
    'stack': lambda tensors, dim=0, **_: _joined(torch.stack, tensors, dim),
    'where': _where, 'masked_fill': _masked_fill, 'dropout': _dropout, 'norm': _norm, 'numel': lambda z: z.numel(),
    'vector_norm': lambda z, *args, **kwargs: torch.linalg.vector_norm(z.abs(), *args, **kwargs),
    'zeros_like': _like(torch.zeros_like), 'ones_like': _like(torch.ones_like), 'empty_like': _like(torch.zeros_like),
    'randn_like': lambda z, **_: z._both(torch.randn_like) * math.sqrt(0.5),
    'eq': lambda a, b: _as_complex(a) == b, 'ne': lambda a, b: _as_complex(a) != b, 'copy': _copy,
    'zero': lambda z: z * 0.0, 'is_complex': lambda z: True, 'is_floating_point': lambda z: False,
    'var': lambda z, *args, **kwargs: z.real.var(*args, **kwargs) + z.imag.var(*args, **kwargs),
}


def _operator(name, *args, **kwargs):
    # A function of PyTorch where one argument is complex.
    if name in _OPERATORS and (name not in _WEIGHED or all([isinstance(a, _Complex) for a in args[:2]])):
        return _OPERATORS[name](*args, **kwargs)
    if name in _EACH:
        apply = F.pad if name == 'pad' else lambda t, *a, **k: getattr(t, name)(*a, **k)
        plain = [a.real if isinstance(a, _Complex) else a for a in args[1:]]
        return args[0]._both(lambda t: apply(t, *plain, **kwargs))
    if name in _MANY:
        parts = zip(getattr(args[0].real, name)(*args[1:], **kwargs), getattr(args[0].imag, name)(*args[1:], **kwargs))
        return tuple([_Complex(re, im) for re, im in parts])
    if name in _REAL:
        raise NotImplementedError(f"{name} is not supported for complex types")
    if name in _WEIGHED:
        raise RuntimeError(f'{name}: expected input and weight to have one dtype, found c10::complex<float> and float')
    _unsupported('unsupported', f'{name} of complex numbers')


def _typed(tensor):
    # `x.to(torch.complex64)`.
    return _as_complex(tensor)


def _made(name, *args, **kwargs):
    # A factory that is asked for a complex type.
    if name == 'tensor' or name == 'as_tensor':
        data = args[0]
        rows = list(data) if isinstance(data, (list, tuple)) else [data]
        parts = [_parts(v) for v in rows]
        re = torch.tensor([float(a) for a, _ in parts])
        im = torch.tensor([0.0 if b is None else float(b) for _, b in parts])
        return _Complex(re, im) if isinstance(data, (list, tuple)) else _Complex(re[0], im[0])
    make = getattr(torch, name)
    if name in ('randn', 'randn_like'):
        # PyTorch gives the whole number variance 1.
        return _Complex(make(*args, **kwargs), make(*args, **kwargs)) * math.sqrt(0.5)
    if name in ('rand', 'rand_like', 'empty', 'empty_like'):
        return _Complex(make(*args, **kwargs), make(*args, **kwargs))
    if name == 'full':
        re, im = _parts(args[1])
        size = args[0]
        return _Complex(torch.full(size, float(re)), torch.full(size, 0.0 if im is None else float(im)))
    re = make(*args, **kwargs)
    return _Complex(re, torch.zeros_like(re))


def _view_as_complex(input):
    if input.shape[-1] != 2:
        raise RuntimeError('Tensor must have a last dimension of size 2')
    return _Complex(input[..., 0], input[..., 1])
