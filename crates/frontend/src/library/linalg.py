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


_SlogDet = collections.namedtuple('slogdet', ['sign', 'logabsdet'])
_QR = collections.namedtuple('qr', ['Q', 'R'])


def slogdet(A, *, out=None):
    _square(A, 'slogdet')
    pivots = torch.stack(_eliminate(A, A[..., :1])[1], -1)
    return _SlogDet(pivots.sign().prod(-1), pivots.abs().log().sum(-1))


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
        return _QR(Q, R.triu())
    k = min(m, n)
    return _QR(Q[..., :k], R[..., :k, :].triu())


def solve_triangular(A, B, *, upper, left=True, unitriangular=False, out=None):
    n = _square(A, 'solve_triangular')
    A = A.triu() if upper else A.tril()
    if unitriangular:
        A = A - torch.diag_embed(A.diagonal(dim1=-2, dim2=-1)) + torch.eye(n, dtype=A.dtype)
    if not left:
        return solve_triangular(A.transpose(-1, -2), B.transpose(-1, -2), upper=not upper).transpose(-1, -2)
    # Row by row from the one with a single unknown.
    rows = {}
    for k in reversed(range(n)) if upper else range(n):
        known = B[..., k, :]
        for j, row in rows.items():
            known = known - A[..., k, j].unsqueeze(-1) * row
        rows[k] = known / A[..., k, k].unsqueeze(-1)
    return torch.stack([rows[k] for k in range(n)], -2)


def multi_dot(tensors, *, out=None):
    tensors = list(tensors)
    if len(tensors) < 2:
        raise RuntimeError('multi_dot(): expected at least 2 tensors but got ' + str(len(tensors)))
    row, column = tensors[0].ndim == 1, tensors[-1].ndim == 1
    if row:
        tensors[0] = tensors[0].unsqueeze(0)
    if column:
        tensors[-1] = tensors[-1].unsqueeze(1)
    # The order that takes the fewest multiplications.
    sizes = [t.shape[0] for t in tensors] + [tensors[-1].shape[1]]
    cost = {(k, k): (0, None) for k in range(len(tensors))}
    for length in range(1, len(tensors)):
        for a in range(len(tensors) - length):
            b = a + length
            cost[a, b] = min([(cost[a, m][0] + cost[m + 1, b][0] + sizes[a] * sizes[m + 1] * sizes[b + 1], m)
                              for m in range(a, b)])

    def product(a, b):
        if a == b:
            return tensors[a]
        m = cost[a, b][1]
        return product(a, m) @ product(m + 1, b)
    x = product(0, len(tensors) - 1)
    x = x.squeeze(-1) if column else x
    return x.squeeze(0) if row else x


def matrix_power(A, n, *, out=None):
    _square(A, 'matrix_power')
    if n < 0:
        return matrix_power(inv(A), -n)
    if n == 0:
        return torch.eye(A.shape[-1], dtype=A.dtype).expand(A.shape).clone()
    result, square = None, A
    while n > 0:
        if n % 2:
            result = square if result is None else result @ square
        n //= 2
        if n:
            square = square @ square
    return result


def matrix_exp(A):
    # A Taylor polynomial of A/64, squared six times: good for norms up to about 50.
    n = _square(A, 'matrix_exp')
    x = A / 64
    result = term = torch.eye(n, dtype=A.dtype).expand(A.shape)
    for k in range(1, 10):
        term = term @ x / k
        result = result + term
    for _ in range(6):
        result = result @ result
    return result


def matrix_norm(A, ord='fro', dim=(-2, -1), keepdim=False, *, dtype=None, out=None):
    A = A if dtype is None else A.to(dtype)
    dim = [d % A.ndim for d in dim]
    if ord == 'fro':
        return torch.linalg.vector_norm(A, dim=dim, keepdim=keepdim)
    if ord in (1, -1, math.inf, -math.inf):
        over, along = dim if abs(ord) == 1 else reversed(dim)
        sums = A.abs().sum(over, keepdim=True)
        extreme = sums.amax(along, keepdim=True) if ord > 0 else sums.amin(along, keepdim=True)
        return extreme if keepdim else extreme.squeeze(tuple(dim))
    _unsupported('unsupported', f'linalg.matrix_norm with ord={ord!r}')


def vecdot(x, y, *, dim=-1, out=None):
    return (x * y).sum(dim)


def cross(input, other, *, dim=-1, out=None):
    return torch.cross(input, other, dim)


def diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    return torch.diagonal(A, offset, dim1, dim2)


def matmul(input, other, *, out=None):
    return torch.matmul(input, other)


def inv_ex(A, *, check_errors=False, out=None):
    return inv(A), torch.zeros(A.shape[:-2], dtype=torch.int32)


def cholesky_ex(A, *, upper=False, check_errors=False, out=None):
    return cholesky(A, upper=upper), torch.zeros(A.shape[:-2], dtype=torch.int32)


def vander(x, N=None):
    return torch.vander(x, N, increasing=True)
