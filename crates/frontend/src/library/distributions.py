# torch.distributions: the few that networks draw from.


class Distribution:
    has_rsample = True

    def sample(self, sample_shape=()):
        with torch.no_grad():
            return self.rsample(sample_shape)

    def _shape(self, sample_shape, like):
        return tuple(sample_shape) + tuple(like.shape)


def _tensors(*values):
    shape = torch.broadcast_shapes(*[v.shape for v in values if isinstance(v, Tensor)] or [()])
    return [v.expand(shape) if isinstance(v, Tensor) else torch.full(shape, float(v)) for v in values]


class Normal(Distribution):
    def __init__(self, loc, scale, validate_args=None):
        self.loc, self.scale = _tensors(loc, scale)

    mean = property(lambda self: self.loc)
    stddev = property(lambda self: self.scale)
    variance = property(lambda self: self.scale ** 2)

    def rsample(self, sample_shape=()):
        return self.loc + torch.randn(self._shape(sample_shape, self.loc)) * self.scale

    def log_prob(self, value):
        return -((value - self.loc) ** 2) / (2 * self.variance) - self.scale.log() - math.log(math.sqrt(2 * math.pi))

    def entropy(self):
        return 0.5 + 0.5 * math.log(2 * math.pi) + torch.log(self.scale)


class Uniform(Distribution):
    def __init__(self, low, high, validate_args=None):
        self.low, self.high = _tensors(low, high)

    mean = property(lambda self: (self.high + self.low) / 2)

    def rsample(self, sample_shape=()):
        return self.low + torch.rand(self._shape(sample_shape, self.low)) * (self.high - self.low)

    def entropy(self):
        return torch.log(self.high - self.low)


class Bernoulli(Distribution):
    def __init__(self, probs=None, logits=None, validate_args=None):
        if (probs is None) == (logits is None):
            raise ValueError('Either `probs` or `logits` must be specified, but not both.')
        self.probs = _tensors(probs)[0] if logits is None else torch.sigmoid(logits)

    def sample(self, sample_shape=()):
        return torch.bernoulli(self.probs.expand(self._shape(sample_shape, self.probs)))


class Categorical(Distribution):
    def __init__(self, probs=None, logits=None, validate_args=None):
        if (probs is None) == (logits is None):
            raise ValueError('Either `probs` or `logits` must be specified, but not both.')
        self.logits = torch.log_softmax(logits, -1) if probs is None else torch.log(probs / probs.sum(-1, keepdim=True))

    probs = property(lambda self: self.logits.exp())

    def sample(self, sample_shape=()):
        noise = torch.rand(self._shape(sample_shape, self.logits)).clamp(min=1e-20)
        return (self.logits - torch.log(-torch.log(noise))).argmax(-1)

    def log_prob(self, value):
        return self.logits.gather(-1, value.long().unsqueeze(-1)).squeeze(-1)

    def entropy(self):
        return -(self.logits * self.probs).sum(-1)
