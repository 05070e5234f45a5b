# torch.linalg: small systems, by elimination that is written out step by step.


def _square(A, name):
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise RuntimeError(f'linalg.{name}: A must be batches of square matrices, but they are '
                           f'{A.shape[-2] if A.ndim > 1 else 1} by {A.shape[-1]} matrices')
    if not A.is_floating_point():
        raise RuntimeError(f'linalg.{name}: Expected a floating point or complex tensor as input. Got {A.dtype}')
    if A.shape[-1] > 64:
        _unsupported('unsupported', f'linalg.{name} of matrices of more than 64 rows')
    return A.shape[-1]


def _eliminate(A, B):
    # Gauss-Jordan with partial pivoting: [A | B] becomes [I | A⁻¹B]. Also gives the pivots, signed by row exchanges.
    n = A.shape[-1]
    a = torch.cat([A, B], -1)
    rows = torch.arange(n)
    pivots = []
    for k in range(n):
        at = a[..., k:, k].abs().argmax(-1, keepdim=True) + k
        index = at.unsqueeze(-1).expand(a.shape[:-2] + (1, a.shape[-1]))
        chosen = a.gather(-2, index)
        here = a[..., k:k + 1, :]
        a = torch.where((rows == at).unsqueeze(-1), here, a)
        pivot = chosen[..., k:k + 1]
        pivots.append(pivot[..., 0, 0] * torch.where(at[..., 0] == k, 1.0, -1.0))
        chosen = chosen / pivot
        a = torch.where((rows == k).unsqueeze(-1), chosen, a - a[..., k:k + 1] * chosen)
    return a[..., n:], pivots


def inv(A, *, out=None):
    n = _square(A, 'inv')
    return _eliminate(A, torch.eye(n, dtype=A.dtype).expand(A.shape))[0]


def solve(A, B, *, left=True, out=None):
    _square(A, 'solve')
    if not left:
        return solve(A.transpose(-1, -2), B.transpose(-1, -2)).transpose(-1, -2)
    vector = B.ndim == 1 or B.ndim == A.ndim - 1 and B.shape == A.shape[:-1]
    right = B.unsqueeze(-1) if vector else B
    batch = torch.broadcast_shapes(A.shape[:-2], right.shape[:-2])
    x = _eliminate(A.expand(batch + A.shape[-2:]), right.expand(batch + right.shape[-2:]))[0]
    return x.squeeze(-1) if vector else x


def det(A, *, out=None):
    _square(A, 'det')
    return torch.stack(_eliminate(A, A[..., :1])[1], -1).prod(-1)


def slogdet(A, *, out=None):
    _square(A, 'slogdet')
    pivots = torch.stack(_eliminate(A, A[..., :1])[1], -1)
    return pivots.sign().prod(-1), pivots.abs().log().sum(-1)


def cholesky(A, *, upper=False, out=None):
    n = _square(A, 'cholesky')
    columns = []
    for k in range(n):
        column = A[..., k:, k]
        for done in range(k):
            column = column - columns[done][..., k:] * columns[done][..., k:k + 1]
        column = column / column[..., :1].sqrt()
        columns.append(F.pad(column, (k, 0)))
    L = torch.stack(columns, -1)
    return L.transpose(-1, -2) if upper else L


def qr(A, mode='reduced', *, out=None):
    m, n = A.shape[-2], A.shape[-1]
    if min(m, n) > 128:
        _unsupported('unsupported', 'linalg.qr of matrices of more than 128 rows')
    R = A
    Q = torch.eye(m, dtype=A.dtype).expand(A.shape[:-2] + (m, m))
    # Householder reflections with LAPACK's signs.
    for k in range(min(m - 1, n)):
        x = R[..., k:, k]
        first = x[..., :1]
        beta = -torch.where(first < 0, -1.0, 1.0) * x.norm(dim=-1, keepdim=True)
        v = torch.cat([torch.ones_like(first), x[..., 1:] / (first - beta)], -1)
        tau = ((beta - first) / beta).unsqueeze(-1)
        v = F.pad(v, (k, 0)).unsqueeze(-1)
        R = R - tau * v @ (v.transpose(-1, -2) @ R)
        Q = Q - tau * (Q @ v) @ v.transpose(-1, -2)
    if mode == 'complete':
        return Q, R.triu()
    k = min(m, n)
    return Q[..., :k], R[..., :k, :].triu()
