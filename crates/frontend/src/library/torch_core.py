# torch: contexts, number formats, custom functions.


class _GradMode:
    def __init__(self, mode):
        self.mode = mode

    def __enter__(self):
        self.before = _set_grad_enabled(self.mode)
        return self

    def __exit__(self, *exc):
        _set_grad_enabled(self.before)
        return False

    def __call__(self, function):
        mode = self.mode

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            before = _set_grad_enabled(mode)
            try:
                return function(*args, **kwargs)
            finally:
                _set_grad_enabled(before)
        return wrapped


def _grad_mode(mode, function):
    return _GradMode(mode)(function) if callable(function) else _GradMode(mode)


def no_grad(function=None):
    return _grad_mode(False, function)


def enable_grad(function=None):
    return _grad_mode(True, function)


def inference_mode(mode=True):
    return _GradMode(False)(mode) if callable(mode) else _GradMode(not mode)


class set_grad_enabled(_GradMode):
    def __init__(self, mode):
        self.mode = mode
        self.before = _set_grad_enabled(mode)

    def __enter__(self):
        _set_grad_enabled(self.mode)
        return self


class finfo:
    def __init__(self, type=None):
        dtype = float32 if type is None else type
        self.dtype = str(dtype).split('.')[-1]
        bits, eps, max_, tiny = {
            'float16': (16, 2.0 ** -10, 65504.0, 2.0 ** -14),
            'bfloat16': (16, 2.0 ** -7, (2 - 2.0 ** -7) * 2.0 ** 127, 2.0 ** -126),
            'float32': (32, 2.0 ** -23, (2 - 2.0 ** -23) * 2.0 ** 127, 2.0 ** -126),
            'float64': (64, 2.0 ** -52, (2 - 2.0 ** -52) * 2.0 ** 1023, 2.0 ** -1022),
        }[self.dtype]
        self.bits = bits
        self.eps = eps
        self.max = max_
        self.min = -max_
        self.tiny = tiny
        self.smallest_normal = tiny
        self.resolution = 10.0 ** math.floor(math.log10(eps) + 1)


class iinfo:
    def __init__(self, type):
        self.dtype = str(type).split('.')[-1]
        self.bits = {'uint8': 8, 'int8': 8, 'int16': 16, 'int32': 32, 'int64': 64}[self.dtype]
        signed = self.dtype != 'uint8'
        self.max = 2 ** (self.bits - 1) - 1 if signed else 255
        self.min = -2 ** (self.bits - 1) if signed else 0


class Generator:
    def __init__(self, device=None):
        self.device = device

    def manual_seed(self, seed):
        return self

    def seed(self):
        return 0


class FunctionCtx:
    def __init__(self):
        self.saved_tensors = ()
        self.needs_input_grad = ()

    def save_for_backward(self, *tensors):
        self.saved_tensors = tensors

    def mark_dirty(self, *tensors):
        pass

    def mark_non_differentiable(self, *tensors):
        pass

    def set_materialize_grads(self, value):
        pass


class Function:
    @classmethod
    def _is_identity(cls, ctx, args, out):
        # Forward gives its input back and backward its gradient.
        if not (isinstance(out, Tensor) and any(a is out for a in args)):
            return False
        grad = out.detach()
        back = cls.backward(ctx, grad)
        return (back[0] if isinstance(back, tuple) else back) is grad

    @classmethod
    def apply(cls, *args, **kwargs):
        ctx = FunctionCtx()
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        if hasattr(cls, 'setup_context'):
            out = cls.forward(*args, **kwargs)
            cls.setup_context(ctx, args, out)
        else:
            out = cls.forward(ctx, *args, **kwargs)
        if not hasattr(cls, 'backward') or cls._is_identity(ctx, args, out):
            return out
        asked = [a for a in args if isinstance(a, Tensor) and a.requires_grad]
        if not is_grad_enabled() or not asked:
            return out
        exact = cls._with_backward(ctx, args, out)
        if exact is not None:
            return exact
        # A backward that looks at nothing of the forward is no derivative but a trick. Nor is one of a forward through which no
        # gradient passes: rounding, signs. Any other is taken for the derivative, which is what most are.
        if not ctx.saved_tensors or (isinstance(out, Tensor) and all([_flat(out, a) for a in asked])):
            _unsupported('unsupported-custom-gradient', f'the custom gradient of {cls.__name__}')
        _custom_gradient(cls.__name__)
        return out

    @classmethod
    def _with_backward(cls, ctx, args, out):
        # y = out, whose derivative is the factor by which backward multiplies its gradient; None where it does more.
        if not isinstance(out, Tensor):
            return None
        stand_in = out.detach().clone()
        trial = cls._gradients(ctx, args, stand_in)
        if not all([g is None or (_scales(g, stand_in) and g.shape == a.shape) for a, g in trial]):
            return None
        y = out.detach()
        for a, factor in cls._gradients(ctx, args, ones_like(stand_in)):
            if factor is not None:
                y = y + (a - a.detach()) * factor.detach()
        return y

    @classmethod
    def _gradients(cls, ctx, args, grad):
        back = cls.backward(ctx, grad)
        back = back if isinstance(back, (tuple, list)) else (back,)
        return [(a, g) for a, g in zip(args, back) if isinstance(a, Tensor) and a.requires_grad]


def Variable(data, requires_grad=False, volatile=False):
    return data


def compile(model=None, *args, **kwargs):
    return model if model is not None else (lambda m: m)


def script(obj=None, *args, **kwargs):
    return obj


def trace(func, *args, **kwargs):
    return func


def ignore(drop=False, **kwargs):
    return drop if callable(drop) else (lambda f: f)


def _identity(fn=None, *args, **kwargs):
    return fn


class _Anomaly:
    def __init__(self, *args, **kwargs):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return False


def range(start=0, end=None, step=1, dtype=None, device=None, requires_grad=False):
    if end is None:
        start, end = 0, start
    return arange(start, end + step / 2, step, dtype=float32 if dtype is None else dtype)


def diff(input, n=1, dim=-1, prepend=None, append=None):
    parts = [t for t in (prepend, input, append) if t is not None]
    x = cat(parts, dim) if len(parts) > 1 else input
    while n > 0:
        n -= 1
        size = x.shape[dim]
        x = x.narrow(dim, 1, size - 1) - x.narrow(dim, 0, size - 1)
    return x


def broadcast_shapes(*shapes):
    rank = max(len(s) for s in shapes)
    out = [1] * rank
    for shape in shapes:
        for k, size in enumerate(reversed(tuple(shape))):
            at = rank - 1 - k
            if size != 1 and out[at] != 1 and out[at] != size:
                raise RuntimeError('Shape mismatch: objects cannot be broadcast to a single shape')
            out[at] = max(out[at], size) if size != 1 else out[at]
    return Size(out)


def inverse(input, *, out=None):
    return linalg.inv(input)


def det(input):
    return linalg.det(input)


def slogdet(input):
    return linalg.slogdet(input)


def logdet(input):
    sign, log = linalg.slogdet(input)
    return where(sign < 0, float('nan'), log)


def view_as_complex(input):
    return fft._view_as_complex(input)


def complex(real, imag):
    return fft._Complex(real, imag)


def _register_hook(input, hook):
    # A hook that gives nothing back changes nothing; one that scales the gradient scales it here.
    if not input.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if not _returns_nothing(hook):
        stand_in = input.detach().clone()
        got = hook(stand_in)
        if got is not None:
            if input.is_leaf or not (got.shape == input.shape and _scales(got, stand_in)):
                _unsupported('unsupported-hook', "a hook that changes a tensor's gradient")
            factor = hook(ones_like(stand_in)).detach()
            value = input.clone()
            input.copy_(value.detach() + (value - value.detach()) * factor)
    return nn.RemovableHandle({}, 0)


def polar(abs, angle):
    return fft._Complex(abs * cos(angle), abs * sin(angle))


def view_as_real(input):
    if not input.is_complex():
        raise RuntimeError('view_as_real is only supported for complex tensors')
    return stack([input.real, input.imag], -1)


def is_complex(input):
    return input.is_complex()


def conj(input):
    return input.conj() if input.is_complex() else input


conj_physical = conj
resolve_conj = conj


def real(input):
    return input.real


def imag(input):
    return input.imag


_Cumulative = collections.namedtuple('cummax', ['values', 'indices'])


def _running_max(x, dim):
    n, step = x.shape[dim], 1
    while step < n:
        later = maximum(x.narrow(dim, step, n - step), x.narrow(dim, 0, n - step))
        x = cat([x.narrow(dim, 0, step), later], dim)
        step *= 2
    return x


def cummax(input, dim):
    dim = dim % input.ndim
    values = _running_max(input, dim)
    places = arange(input.shape[dim]).reshape([-1] + [1] * (input.ndim - 1 - dim))
    return _Cumulative(values, _running_max(where(input == values, places, 0), dim))


def cummin(input, dim):
    values, indices = cummax(-input, dim)
    return _Cumulative(-values, indices)
