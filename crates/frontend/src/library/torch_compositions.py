# torch: rarer functions, composed of operators. Their names are methods of tensors too where PyTorch has them there.


def acosh(input):
    return log(input + sqrt(input * input - 1))


def asinh(input):
    # Odd, and exact for large arguments of either sign.
    size = abs(input)
    return sign(input) * log(size + sqrt(size * size + 1))


def atanh(input):
    return 0.5 * log((1 + input) / (1 - input))


arccosh = acosh
arcsinh = asinh
arctanh = atanh


def deg2rad(input):
    return input * (math.pi / 180)


def rad2deg(input):
    return input * (180 / math.pi)


def sinc(input):
    x = input * math.pi
    zero = x == 0
    return where(zero, 1.0, sin(x) / where(zero, 1.0, x))


def positive(input):
    return input


def signbit(input):
    return input < 0


def copysign(input, other):
    size = abs(input)
    return where(other < 0, -size, size) if isinstance(other, Tensor) else -size if other < 0 else size


def heaviside(input, values):
    return where(input == 0, values, (input > 0).to(values.dtype))


def float_power(input, exponent):
    return pow(input.to(float64), exponent)


def logaddexp(input, other):
    high = maximum(input, other)
    return high + log1p(exp(-abs(input - other)))


def logaddexp2(input, other):
    return logaddexp(input * math.log(2), other * math.log(2)) / math.log(2)


def xlogy(input, other):
    zero = input == 0
    return where(zero, 0.0, input * log(where(zero, 1.0, other)))


def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    return abs(input - other) <= atol + rtol * abs(other)


_Extremes = collections.namedtuple('aminmax', ['min', 'max'])


def aminmax(input, *, dim=None, keepdim=False):
    if dim is None:
        return _Extremes(input.amin(), input.amax())
    return _Extremes(input.amin(dim, keepdim=keepdim), input.amax(dim, keepdim=keepdim))


def addmv(input, mat, vec, *, beta=1, alpha=1):
    return beta * input + alpha * mv(mat, vec)


def addr(input, vec1, vec2, *, beta=1, alpha=1):
    return beta * input + alpha * outer(vec1, vec2)


def inner(input, other):
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(f'inner() the last dimension must match on both input tensors but got shapes {list(input.shape)} '
                           f'and {list(other.shape)}')
    return tensordot(input, other, dims=([-1], [-1]))


def tensordot(a, b, dims=2, out=None):
    if isinstance(dims, int):
        over_a, over_b = _counted(a.ndim)[a.ndim - dims:], _counted(dims)
    else:
        over_a, over_b = [[d] if isinstance(d, int) else list(d) for d in dims]
    over_a, over_b = [d % a.ndim for d in over_a], [d % b.ndim for d in over_b]
    for m, n in zip(over_a, over_b):
        if a.shape[m] != b.shape[n]:
            raise RuntimeError(f'contracted dimensions need to match, but first has size {a.shape[m]} in dim {m} and second '
                               f'has size {b.shape[n]} in dim {n}')
    kept_a = [d for d in _counted(a.ndim) if d not in over_a]
    kept_b = [d for d in _counted(b.ndim) if d not in over_b]
    inner_size = math.prod([a.shape[d] for d in over_a])
    left = a.permute(kept_a + over_a).reshape(-1, inner_size)
    right = b.permute(over_b + kept_b).reshape(inner_size, -1)
    return (left @ right).reshape([a.shape[d] for d in kept_a] + [b.shape[d] for d in kept_b])


def repeat_interleave(input, repeats, dim=None, *, output_size=None):
    if not isinstance(repeats, Tensor):
        return input.repeat_interleave(repeats, dim)
    if dim is None:
        input, dim = input.flatten(), 0
    counts = repeats.reshape(-1).tolist()
    if len(counts) == 1:
        counts = counts * input.shape[dim]
    if len(counts) != input.shape[dim]:
        raise RuntimeError('repeats must have the same size as input along dim')
    places = [k for k, n in enumerate(counts) for _ in _counted(n)]
    return input.index_select(dim, tensor(places, dtype=int64))


def take(input, index):
    return input.flatten()[index.flatten()].reshape(index.shape)


def vdot(input, other):
    return dot(input, other)


def trace(input):
    if input.ndim != 2:
        raise RuntimeError('trace: expected a matrix')
    return input.diagonal().sum()


def diagflat(input, offset=0):
    return diag(input.flatten(), offset)


def kron(input, other):
    rank = max(input.ndim, other.ndim)
    a = [1] * (rank - input.ndim) + list(input.shape)
    b = [1] * (rank - other.ndim) + list(other.shape)
    left = input.reshape([n for m in a for n in (m, 1)])
    right = other.reshape([n for m in b for n in (1, m)])
    return (left * right).reshape([m * n for m, n in zip(a, b)])


def cross(input, other, dim=None):
    if dim is None:
        found = [k for k, n in enumerate(input.shape) if n == 3]
        if not found:
            raise RuntimeError('no dimension of size 3 in input')
        dim = found[0]
    if input.shape[dim] != 3 or other.shape[dim] != 3:
        raise RuntimeError('linalg.cross: inputs dimension ' + str(dim) + ' must have length 3')
    a, b = broadcast_tensors(input, other)
    return a.roll(-1, dim) * b.roll(1, dim) - a.roll(1, dim) * b.roll(-1, dim)


def cov(input, *, correction=1, fweights=None, aweights=None):
    if fweights is not None or aweights is not None:
        _unsupported('unsupported', 'torch.cov with weights')
    x = input.reshape(1, -1) if input.ndim < 2 else input
    x = x - x.mean(1, keepdim=True)
    out = x @ x.t() / (x.shape[1] - correction)
    return out.squeeze() if input.ndim < 2 else out


def corrcoef(input):
    c = cov(input)
    if c.ndim == 0:
        return c / c
    scale = sqrt(c.diagonal())
    return (c / scale[:, None] / scale[None, :]).clamp(-1, 1)


_Kth = collections.namedtuple('kthvalue', ['values', 'indices'])


def kthvalue(input, k, dim=-1, keepdim=False):
    if not 1 <= k <= input.shape[dim]:
        raise IndexError('kthvalue(): selected number k out of range for dimension ' + str(dim))
    values, indices = sort(input, dim)
    values, indices = values.select(dim, k - 1), indices.select(dim, k - 1)
    return _Kth(values.unsqueeze(dim), indices.unsqueeze(dim)) if keepdim else _Kth(values, indices)


def msort(input):
    return sort(input, 0)[0]


def quantile(input, q, dim=None, keepdim=False, *, interpolation='linear'):
    x = input
    many = False
    if isinstance(q, Tensor):
        many = q.ndim > 0
        q = q.tolist()
    wanted = q if many else [q]
    if dim is None:
        x, dim = x.flatten(), 0
        kept = [1] * input.ndim if keepdim else []
    else:
        dim = dim % x.ndim
        kept = list(x.shape[:dim]) + ([1] if keepdim else []) + list(x.shape[dim + 1:])
    values = sort(x, dim)[0]
    last = x.shape[dim] - 1
    out = []
    for share in wanted:
        if not 0 <= share <= 1:
            raise RuntimeError('quantile() q values must be in the range [0, 1]')
        at = share * last
        low = math.floor(at)
        high = min(low + 1, last)
        if interpolation == 'lower':
            at, high = low, low
        elif interpolation == 'higher':
            at, low = math.ceil(at), math.ceil(at)
            high = low
        elif interpolation == 'nearest':
            low = round(at)
            at, high = low, low
        elif interpolation == 'midpoint':
            at = low + 0.5 if at != low else low
        a, b = values.select(dim, low), values.select(dim, high)
        out.append((a + (b - a) * (at - low)).reshape(kept))
    return stack(out) if many else out[0]


def logcumsumexp(input, dim):
    high = input.amax(dim, keepdim=True).detach()
    return log(cumsum(exp(input - high), dim)) + high


def index_copy(input, dim, index, tensor):
    kept = input.index_fill(dim, index, 0)
    return kept.index_add(dim, index, tensor)


def vander(x, N=None, increasing=False):
    count = x.shape[-1] if N is None else N
    powers = _counted(count)
    return stack([x ** p for p in (powers if increasing else reversed(powers))], -1)


def column_stack(tensors):
    return cat([t.reshape(-1, 1) if t.ndim < 2 else t for t in tensors], 1)


def block_diag(*tensors):
    blocks = [atleast_2d(t) for t in tensors]
    width = sum([t.shape[1] for t in blocks])
    rows, left = [], 0
    for t in blocks:
        rows.append(nn.functional.pad(t, (left, width - left - t.shape[1])))
        left += t.shape[1]
    return cat(rows, 0)


def _at_least(tensors, make):
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tensors[0]
        return tuple([make(t) for t in tensors])
    made = tuple([make(t) for t in tensors])
    return made[0] if len(made) == 1 else made


def atleast_1d(*tensors):
    return _at_least(tensors, lambda t: t.reshape(1) if t.ndim == 0 else t)


def atleast_2d(*tensors):
    return _at_least(tensors, lambda t: t.reshape(1, -1) if t.ndim < 2 else t)


def atleast_3d(*tensors):
    return _at_least(tensors, lambda t: t.unsqueeze(-1) if t.ndim == 2 else t.reshape(1, -1, 1) if t.ndim < 2 else t)


def hsplit(input, indices_or_sections):
    return tensor_split(input, indices_or_sections, 0 if input.ndim == 1 else 1)


def vsplit(input, indices_or_sections):
    return tensor_split(input, indices_or_sections, 0)


def dsplit(input, indices_or_sections):
    return tensor_split(input, indices_or_sections, 2)


def cartesian_prod(*tensors):
    if len(tensors) == 1:
        return tensors[0]
    return stack([t.flatten() for t in meshgrid(*tensors, indexing='ij')], -1)


def _triangle(row, col, keeps, dtype, device):
    places = [(i, j) for i in _counted(row) for j in _counted(col) if keeps(j - i)]
    return tensor([[i for i, _ in places], [j for _, j in places]], dtype=int64 if dtype is None else dtype)


def _counted(n):
    return [k for k, _ in enumerate([0] * n)]


def triu_indices(row, col, offset=0, *, dtype=None, device=None, layout=None):
    return _triangle(row, col, lambda d: d >= offset, dtype, device)


def tril_indices(row, col, offset=0, *, dtype=None, device=None, layout=None):
    return _triangle(row, col, lambda d: d <= offset, dtype, device)


def _window(n, periodic, weights, dtype):
    if n == 1:
        return ones(1)
    turn = 2 * math.pi / (n if periodic else n - 1)
    values = [weights[0] - weights[1] * math.cos(turn * k) + weights[2] * math.cos(2 * turn * k) for k in _counted(n)]
    return tensor(values, dtype=float32 if dtype is None else dtype)


def hann_window(window_length, periodic=True, *, dtype=None, device=None, requires_grad=False):
    return _window(window_length, periodic, (0.5, 0.5, 0.0), dtype)


def hamming_window(window_length, periodic=True, alpha=0.54, beta=0.46, *, dtype=None, device=None, requires_grad=False):
    return _window(window_length, periodic, (alpha, beta, 0.0), dtype)


def blackman_window(window_length, periodic=True, *, dtype=None, device=None, requires_grad=False):
    return _window(window_length, periodic, (0.42, 0.5, 0.08), dtype)
