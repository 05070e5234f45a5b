# torch.special: functions of one element by their mathematical names.

expit = torch.sigmoid
exp2 = torch.exp2
expm1 = torch.expm1
erf = torch.erf
erfc = torch.erfc
erfinv = torch.erfinv
log1p = torch.log1p
logit = torch.logit
logsumexp = torch.logsumexp
round = torch.round
sinc = torch.sinc
xlogy = torch.xlogy
gammaln = torch.lgamma
digamma = torch.digamma
psi = torch.digamma
multigammaln = torch.mvlgamma


def softmax(input, dim, *, dtype=None):
    return F.softmax(input, dim, dtype=dtype)


def log_softmax(input, dim, *, dtype=None):
    return F.log_softmax(input, dim, dtype=dtype)


def entr(input):
    inside = torch.where(input > 0, input, 1.0)
    value = torch.where(input > 0, -inside * inside.log(), 0.0)
    return torch.where(input < 0, float('-inf'), value)


def xlog1py(input, other):
    zero = input == 0
    return torch.where(zero, 0.0, input * torch.log1p(torch.where(zero, 0.0, other)))


def ndtr(input):
    return 0.5 * erfc(-input * math.sqrt(0.5))


def ndtri(input):
    return math.sqrt(2) * erfinv(2 * input - 1)


def log_ndtr(input):
    low = input < -1
    tail = torch.where(low, input, -1.0)
    middle = torch.where(low, 0.0, input)
    return torch.where(low, torch.log(0.5 * erfcx(-tail * math.sqrt(0.5))) - tail * tail / 2, torch.log(ndtr(middle)))


def erfcx(input):
    # exp(x²)·erfc(x) itself, and from 2 on its continued fraction.
    far = input > 2
    near = torch.where(far, 0.0, input)
    x = torch.where(far, input, 2.0)
    fraction = x
    for k in reversed(range(1, 31)):
        fraction = x + 0.5 * k / fraction
    return torch.where(far, 1 / (math.sqrt(math.pi) * fraction), torch.exp(near * near) * erfc(near))


def _polynomial(x, coefficients):
    value = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        value = value * x + c
    return value


def i0(input):
    return i0e(input) * torch.exp(input.abs())


def i1(input):
    return i1e(input) * torch.exp(input.abs())


# Polynomials 9.8.1 to 9.8.4 of Abramowitz and Stegun, Handbook of Mathematical Functions.

def i0e(input):
    size = input.abs()
    far = size > 3.75
    near = torch.where(far, 0.0, size)
    t = (near / 3.75) ** 2
    inner = _polynomial(t, [1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813]) * torch.exp(-near)
    x = torch.where(far, size, 3.75)
    outer = _polynomial(3.75 / x, [0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281, -0.02057706, 0.02635537,
                                   -0.01647633, 0.00392377]) / x.sqrt()
    return torch.where(far, outer, inner)


def i1e(input):
    size = input.abs()
    far = size > 3.75
    near = torch.where(far, 0.0, size)
    t = (near / 3.75) ** 2
    inner = near * _polynomial(t, [0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411])
    x = torch.where(far, size, 3.75)
    outer = _polynomial(3.75 / x, [0.39894228, -0.03988024, -0.00362018, 0.00163801, -0.01031555, 0.02282967, -0.02895312,
                                   0.01787654, -0.00420059]) / x.sqrt()
    return torch.where(input < 0, -1.0, 1.0) * torch.where(far, outer, inner * torch.exp(-near))


def _recurrence(first, step):
    def polynomial(x, n):
        n = int(n)
        before, now = torch.ones_like(x), first(x)
        if n == 0:
            return before
        for k in range(1, n):
            before, now = now, step(k, x, before, now)
        return now
    return polynomial


chebyshev_polynomial_t = _recurrence(lambda x: x, lambda k, x, a, b: 2 * x * b - a)
chebyshev_polynomial_u = _recurrence(lambda x: 2 * x, lambda k, x, a, b: 2 * x * b - a)
legendre_polynomial_p = _recurrence(lambda x: x, lambda k, x, a, b: ((2 * k + 1) * x * b - k * a) / (k + 1))
hermite_polynomial_h = _recurrence(lambda x: 2 * x, lambda k, x, a, b: 2 * x * b - 2 * k * a)
hermite_polynomial_he = _recurrence(lambda x: x, lambda k, x, a, b: x * b - k * a)
laguerre_polynomial_l = _recurrence(lambda x: 1 - x, lambda k, x, a, b: ((2 * k + 1 - x) * b - k * a) / (k + 1))
