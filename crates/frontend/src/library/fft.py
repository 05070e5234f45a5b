# torch.fft: discrete Fourier transforms as products with their matrices.


def _angles(rows, columns, n):
    # Whole numbers are reduced first, so that the angles are exact.
    k = torch.arange(rows).unsqueeze(1) * torch.arange(columns).unsqueeze(0) % n
    return k.double() * (2.0 * math.pi / n)


def _scale(norm, n, inverse):
    if norm not in (None, 'backward', 'ortho', 'forward'):
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    if norm == 'ortho':
        return 1.0 / math.sqrt(n)
    return 1.0 / n if (norm == 'forward') != inverse else 1.0


def _fit(x, dim, n):
    # Cut or filled with zeros to n.
    size = x.shape[dim]
    if size == n:
        return x
    if size > n:
        return x.narrow(dim, 0, n)
    shape = list(x.shape)
    shape[dim] = n - size
    return torch.cat([x, x.new_zeros(shape)], dim)


def _along(x, dim, matrix):
    return (x.transpose(dim, -1) @ matrix.to(x.dtype)).transpose(dim, -1)


def _transform(x, n, dim, norm, inverse, half=False):
    re, im = _parts(x)
    if not re.is_floating_point():
        re = re.float()
    n = re.shape[dim] if n is None else n
    if n < 1:
        raise RuntimeError(f'Invalid number of data points ({n}) specified')
    angles = _angles(n, n // 2 + 1 if half else n, n)
    scale = _scale(norm, n, inverse)
    c, s = angles.cos() * scale, angles.sin() * (scale if inverse else -scale)
    re = _fit(re, dim, n)
    if im is None:
        return _Complex(_along(re, dim, c), _along(re, dim, s))
    im = _fit(im, dim, n)
    return _Complex(_along(re, dim, c) - _along(im, dim, s), _along(re, dim, s) + _along(im, dim, c))


def fft(input, n=None, dim=-1, norm=None):
    return _transform(input, n, dim, norm, False)


def ifft(input, n=None, dim=-1, norm=None):
    return _transform(input, n, dim, norm, True)


def rfft(input, n=None, dim=-1, norm=None):
    if isinstance(input, _Complex):
        raise RuntimeError('rfft expects a real input tensor, but got ComplexFloat')
    return _transform(input, n, dim, norm, False, half=True)


def irfft(input, n=None, dim=-1, norm=None):
    re, im = _parts(input)
    im = torch.zeros_like(re) if im is None else im
    n = 2 * (re.shape[dim] - 1) if n is None else n
    if n < 1:
        raise RuntimeError(f'Invalid number of data points ({n}) specified')
    half = n // 2 + 1
    angles = _angles(half, n, n)
    weight = [1.0 if k == 0 or 2 * k == n else 2.0 for k in range(half)]
    weight = torch.tensor(weight, dtype=torch.float64).unsqueeze(1) * _scale(norm, n, True)
    re, im = _fit(re, dim, half), _fit(im, dim, half)
    return _along(re, dim, angles.cos() * weight) - _along(im, dim, angles.sin() * weight)


def _dims(x, s, dim):
    if dim is None:
        dim = list(range(-(len(s) if s is not None else x.ndim), 0))
    dim = [dim] if isinstance(dim, int) else list(dim)
    s = [None] * len(dim) if s is None else [None if v == -1 else v for v in s]
    if len(s) != len(dim):
        raise RuntimeError('When given, dim and shape arguments must have the same length')
    return list(zip(s, dim))


def fftn(input, s=None, dim=None, norm=None):
    for n, d in _dims(input, s, dim):
        input = fft(input, n, d, norm)
    return input


def ifftn(input, s=None, dim=None, norm=None):
    for n, d in _dims(input, s, dim):
        input = ifft(input, n, d, norm)
    return input


def rfftn(input, s=None, dim=None, norm=None):
    *rest, (n, d) = _dims(input, s, dim)
    out = rfft(input, n, d, norm)
    for n, d in rest:
        out = fft(out, n, d, norm)
    return out


def irfftn(input, s=None, dim=None, norm=None):
    *rest, (n, d) = _dims(input, s, dim)
    for m, e in rest:
        input = ifft(input, m, e, norm)
    return irfft(input, n, d, norm)


def fft2(input, s=None, dim=(-2, -1), norm=None):
    return fftn(input, s, dim, norm)


def ifft2(input, s=None, dim=(-2, -1), norm=None):
    return ifftn(input, s, dim, norm)


def rfft2(input, s=None, dim=(-2, -1), norm=None):
    return rfftn(input, s, dim, norm)


def irfft2(input, s=None, dim=(-2, -1), norm=None):
    return irfftn(input, s, dim, norm)


def _shift(x, dim, sign):
    dims = list(range(x.ndim)) if dim is None else ([dim] if isinstance(dim, int) else list(dim))
    shifts = [x.shape[d] // 2 if sign > 0 else (x.shape[d] + 1) // 2 for d in dims]
    return x.roll(shifts, dims)


def fftshift(input, dim=None):
    return _shift(input, dim, 1)


def ifftshift(input, dim=None):
    return _shift(input, dim, -1)


def fftfreq(n, d=1.0, **kwargs):
    return torch.tensor([(k if k < (n + 1) // 2 else k - n) / (n * d) for k in range(n)])


def rfftfreq(n, d=1.0, **kwargs):
    return torch.tensor([k / (n * d) for k in range(n // 2 + 1)])


def hfft(input, n=None, dim=-1, norm=None):
    opposite = {None: 'forward', 'backward': 'forward', 'forward': 'backward', 'ortho': 'ortho'}
    return irfft(_as_complex(input).conj(), n, dim, opposite[norm])


def ihfft(input, n=None, dim=-1, norm=None):
    opposite = {None: 'forward', 'backward': 'forward', 'forward': 'backward', 'ortho': 'ortho'}
    return rfft(input, n, dim, opposite[norm]).conj()
