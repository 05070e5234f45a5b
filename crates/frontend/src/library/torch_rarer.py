# torch: functions that few networks call, composed of operators. Those that end in `_` work in place.


def _in_place(function):
    return lambda input, *args, **kwargs: input.copy_(function(input, *args, **kwargs))


def addbmm(input, batch1, batch2, *, beta=1, alpha=1):
    return beta * input + alpha * bmm(batch1, batch2).sum(0)


def chain_matmul(*matrices):
    return linalg.multi_dot(matrices)


def matrix_power(input, n):
    return linalg.matrix_power(input, n)


def matrix_exp(input):
    return linalg.matrix_exp(input)


def cholesky_inverse(input, upper=False):
    A = input.mT @ input if upper else input @ input.mT
    return linalg.inv(A)


def cumulative_trapezoid(y, x=None, *, dx=1, dim=-1):
    n = y.shape[dim]
    mean = (y.narrow(dim, 1, n - 1) + y.narrow(dim, 0, n - 1)) / 2
    step = dx if x is None else diff(x, dim=dim if x.ndim == y.ndim else -1)
    return cumsum(mean * step, dim)


def combinations(input, r=2, with_replacement=False):
    if input.ndim != 1:
        raise RuntimeError('Expect a 1D vector, but got shape ' + str(list(input.shape)))
    places = [()]
    for _ in _counted(r):
        places = [p + (k,) for p in places for k in _counted(input.shape[0])
                  if not p or k > p[-1] or with_replacement and k == p[-1]]
    return input[tensor(places, dtype=int64)] if places else input.new_zeros(0, r)


def gradient(input, *, spacing=1, dim=None, edge_order=1):
    dims = _counted(input.ndim) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    steps = list(spacing) if isinstance(spacing, (list, tuple)) else [spacing] * len(dims)
    out = []
    for d, h in zip(dims, steps):
        if isinstance(h, Tensor):
            _unsupported('unsupported', 'torch.gradient with coordinates')
        n = input.shape[d]
        if n < edge_order + 1:
            raise RuntimeError('torch.gradient expected each dimension size to be at least edge_order+1')
        at = lambda k: input.narrow(d, k % n, 1)
        middle = (input.narrow(d, 2, n - 2) - input.narrow(d, 0, n - 2)) / (2 * h)
        if edge_order == 1:
            first, last = (at(1) - at(0)) / h, (at(-1) - at(-2)) / h
        else:
            first = (-1.5 * at(0) + 2 * at(1) - 0.5 * at(2)) / h
            last = (1.5 * at(-1) - 2 * at(-2) + 0.5 * at(-3)) / h
        out.append(cat([first, middle, last], d))
    return tuple(out)


def pdist(input, p=2):
    pairs = [(i, j) for i in _counted(input.shape[0]) for j in _counted(input.shape[0]) if i < j]
    first, second = tensor([i for i, _ in pairs], dtype=int64), tensor([j for _, j in pairs], dtype=int64)
    return (input[first] - input[second]).norm(p=p, dim=-1)


def renorm(input, p, dim, maxnorm):
    others = [d for d in _counted(input.ndim) if d != dim % input.ndim]
    size = linalg.vector_norm(input, p, dim=others, keepdim=True)
    return input * where(size > maxnorm, maxnorm / (size + 1e-7), 1.0)


# Counting and searching.

def bucketize(input, boundaries, *, out_int32=False, right=False):
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def searchsorted(sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None):
    if sorter is not None:
        sorted_sequence = sorted_sequence.gather(-1, sorter)
    scalar = not isinstance(input, Tensor)
    values = tensor(input, dtype=sorted_sequence.dtype) if scalar else input
    if sorted_sequence.ndim > 1 and values.shape[:-1] != sorted_sequence.shape[:-1]:
        raise RuntimeError('torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of '
                           f'boundaries tensor and input value tensor must match, but we got boundaries tensor '
                           f'{list(sorted_sequence.shape)} and input value tensor {list(values.shape)}')
    keys = sorted_sequence if sorted_sequence.ndim == 1 else sorted_sequence.unsqueeze(-2)
    passed = keys <= values.unsqueeze(-1) if right or side == 'right' else keys < values.unsqueeze(-1)
    return passed.sum(-1).to(int32 if out_int32 else int64)


def histc(input, bins=100, min=0, max=0):
    x = input.detach().flatten()
    low, high = (x.min(), x.max()) if min == max else (float(min), float(max))
    place = ((x - low) * bins / (high - low)).floor().clamp(max=bins - 1)
    place = where((x >= low) & (x <= high), where(x == high, bins - 1.0, place), -1.0)
    return (place.unsqueeze(0) == arange(bins).unsqueeze(1)).sum(1).to(input.dtype)


def bincount(input, weights=None, minlength=0):
    if input.ndim != 1 or input.is_floating_point():
        raise RuntimeError('bincount only supports 1-d non-negative integral inputs.')
    size = max(int(input.max()) + 1 if len(input) else 0, minlength)
    hits = input.unsqueeze(0) == arange(size).unsqueeze(1)
    return hits.sum(1) if weights is None else (hits * weights).sum(1)


_Mode = collections.namedtuple('mode', ['values', 'indices'])


def mode(input, dim=-1, keepdim=False):
    dim = dim % input.ndim
    x = input.transpose(dim, -1)
    counts = (x.unsqueeze(-1) == x.unsqueeze(-2)).sum(-1)
    often = counts == counts.amax(-1, keepdim=True)
    value = where(often, x.detach(), x.detach().amax(-1, keepdim=True)).amin(-1, keepdim=True)
    places = arange(x.shape[-1])
    index = where(x == value, places, -1).amax(-1, keepdim=True)
    values, index = x.gather(-1, index).transpose(dim, -1), index.transpose(dim, -1)
    return _Mode(values, index) if keepdim else _Mode(values.squeeze(dim), index.squeeze(dim))


# Writing by index.

def index_put(input, indices, values, accumulate=False):
    if not accumulate:
        out = input.clone()
        out[tuple(indices)] = values
        return out
    if any([k is None or str(k.dtype) == 'torch.bool' for k in indices]):
        _unsupported('unsupported', 'index_put with accumulate=True and a mask')
    indices = broadcast_tensors(*indices)
    place, rows = 0, 1
    for k, size in zip(indices, input.shape):
        place = place * size + k % size
        rows *= size
    rest = list(input.shape[len(indices):])
    values = values.expand(list(indices[0].shape) + rest).reshape([-1, math.prod(rest)])
    return input.reshape(rows, -1).index_add(0, place.flatten(), values).reshape(input.shape)


def masked_scatter(input, mask, source):
    input, mask = broadcast_tensors(input, mask)
    place = (mask.flatten().cumsum(0) - 1).clamp(0, source.numel() - 1)
    return where(mask, source.flatten()[place].reshape(input.shape), input)


def scatter_reduce(input, dim, index, src, reduce, *, include_self=True):
    if reduce not in ('sum', 'mean', 'prod', 'amax', 'amin'):
        raise RuntimeError(f'reduce argument must be either sum, prod, mean, amax or amin, got {reduce}.')
    count = ones_like(input) if include_self else zeros_like(input)
    if reduce in ('sum', 'mean'):
        kept = input if include_self else zeros_like(input)
        total = kept.scatter_add(dim, index, src)
        count = count.scatter_add(dim, index, ones_like(src))
        if reduce == 'mean':
            total = total / count.clamp(min=1)
        return total if include_self else where(count > 0, total, input)
    # Each place beside every element that may belong to it.
    dim = dim % input.ndim
    others = [k for k in _counted(input.ndim) if k != dim]
    if any(index.shape[k] != input.shape[k] for k in others):
        _unsupported('unsupported', f"torch.scatter_reduce with reduce='{reduce}' and an index of another shape")
    x, index, src = [t.transpose(dim, -1) for t in (input, index, src[tuple(slice(0, n) for n in index.shape)])]
    hits = index.unsqueeze(-2) == arange(input.shape[dim]).unsqueeze(-1)
    neutral = {'prod': 1.0, 'amax': float('-inf'), 'amin': float('inf')}[reduce]
    parts = where(hits, src.unsqueeze(-2), neutral)
    if include_self:
        parts = cat([x.unsqueeze(-1), parts], -1)
    out = getattr(parts, reduce)(-1)
    if not include_self:
        out = where(hits.any(-1), out, x)
    return out.transpose(dim, -1)


def index_reduce(input, dim, index, source, reduce, *, include_self=True):
    shape = [1] * input.ndim
    shape[dim] = -1
    index = index.reshape(shape).expand(source.shape)
    return scatter_reduce(input, dim, index, source, reduce, include_self=include_self)


def put(input, index, source, accumulate=False):
    flat = index_put(input.flatten(), (index.flatten(),), source.flatten(), accumulate)
    return flat.reshape(input.shape)


index_put_ = _in_place(index_put)
masked_scatter_ = _in_place(masked_scatter)
scatter_reduce_ = _in_place(scatter_reduce)
index_reduce_ = _in_place(index_reduce)
index_copy_ = _in_place(index_copy)
put_ = _in_place(put)
renorm_ = _in_place(renorm)


def as_strided(input, size, stride, storage_offset=None):
    if not input.is_contiguous():
        _unsupported('unsupported', 'Tensor.as_strided of a tensor that is not contiguous')
    place = tensor(storage_offset or 0)
    for n, step in zip(size, stride):
        place = place.unsqueeze(-1) + arange(n) * step
    return input.flatten()[place]


# Questions.

def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    return input is other or isclose(input, other, rtol, atol, equal_nan).all().item()


def result_type(tensor1, tensor2):
    return (tensor1 * tensor2).dtype


def can_cast(from_, to):
    rank = lambda d: 3 if d.is_complex else 2 if d.is_floating_point else 0 if str(d) == 'torch.bool' else 1
    return rank(from_) <= rank(to)


def isposinf(input):
    return input == float('inf')


def isneginf(input):
    return input == float('-inf')


def isreal(input):
    return input == input.real


# Functions of one element.

def angle(input):
    if input.is_complex():
        return input.angle()
    return where(input < 0, math.pi, 0.0)


def _gamma_argument(input):
    # Γ(x)·Γ(1−x) = π / sin πx: the functions are computed for x ≥ ½.
    low = input < 0.5
    return low, where(low, 1 - input, input)


def lgamma(input):
    # Stirling's series eight steps further on, where it has converged.
    low, x = _gamma_argument(input)
    z, product = x, 1.0
    for _ in _counted(8):
        product = product * z
        z = z + 1
    r = 1 / (z * z)
    series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r / 1680))) / z
    value = (z - 0.5) * log(z) - z + 0.5 * math.log(2 * math.pi) + series - log(product)
    turned = math.log(math.pi) - log(abs(sin(math.pi * where(low, input, 0.5)))) - value
    return where(low, turned, value)


def digamma(input):
    low, x = _gamma_argument(input)
    z, total = x, 0.0
    for _ in _counted(8):
        total = total + 1 / z
        z = z + 1
    r = 1 / (z * z)
    value = log(z) - 0.5 / z - r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r / 240))) - total
    return where(low, value - math.pi / tan(math.pi * where(low, input, 0.25)), value)


def mvlgamma(input, p):
    return p * (p - 1) / 4 * math.log(math.pi) + sum([lgamma(input - k / 2) for k in _counted(p)])


def i0(input):
    return special.i0(input)


def kaiser_window(window_length, periodic=True, beta=12.0, *, dtype=None, device=None, requires_grad=False):
    n = window_length if periodic else window_length - 1
    if window_length == 1:
        return ones(1)

    def bessel(x):
        total = term = 1.0
        for k in _counted(60):
            term *= (x / 2 / (k + 1)) ** 2
            total += term
        return total
    values = [bessel(beta * math.sqrt(max(0.0, 1 - (2 * k / n - 1) ** 2))) / bessel(beta) for k in _counted(window_length)]
    return tensor(values, dtype=float32 if dtype is None else dtype)


def bartlett_window(window_length, periodic=True, *, dtype=None, device=None, requires_grad=False):
    n = window_length if periodic else window_length - 1
    values = [1.0] if window_length == 1 else [1 - abs(2 * k / n - 1) for k in _counted(window_length)]
    return tensor(values, dtype=float32 if dtype is None else dtype)


def vmap(func_, in_dims=0, out_dims=0, randomness='error', *, chunk_size=None):
    return func.vmap(func_, in_dims, out_dims, randomness, chunk_size=chunk_size)
