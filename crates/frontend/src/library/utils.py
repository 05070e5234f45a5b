# torch.nn.utils: gradient clipping, which the recipe reads, and helpers on parameters.


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    _record('clip_norm', (max_norm, norm_type))
    return torch.zeros(())


def clip_grad_value_(parameters, clip_value, foreach=None):
    _record('clip_value', clip_value)


clip_grad_norm = clip_grad_norm_


def parameters_to_vector(parameters):
    return torch.cat([p.view(-1) for p in parameters])


def skip_init(module_cls, *args, **kwargs):
    # The initial values are random either way.
    kwargs.pop('device', None)
    return module_cls(*args, **kwargs)


def _refuse(name):
    def refused(*args, **kwargs):
        _unsupported('unsupported', f'torch.nn.utils.{name}')
    return refused


def _norm_except_dim(weight, dim):
    if dim == -1:
        return weight.norm()
    shape = [1] * weight.dim()
    shape[dim] = weight.size(dim)
    return weight.transpose(0, dim).reshape(weight.size(dim), -1).norm(dim=1).view(shape)


def _as_matrix(weight, dim):
    # Rows along one dimension.
    if dim != 0:
        weight = weight.permute(dim, *[d for d in range(weight.dim()) if d != dim])
    return weight.flatten(1)


# The older forms compute the weight in a hook before each call, and keep it as a plain attribute.


class WeightNorm:
    def __init__(self, name, dim):
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module):
        g, v = getattr(module, self.name + '_g'), getattr(module, self.name + '_v')
        return v * (g / _norm_except_dim(v, self.dim))

    def __call__(self, module, inputs):
        setattr(module, self.name, self.compute_weight(module))


class SpectralNorm:
    def __init__(self, name, n_power_iterations, dim, eps):
        self.name = name
        self.n_power_iterations = n_power_iterations
        self.dim = dim
        self.eps = eps

    def compute_weight(self, module, iterate):
        weight = getattr(module, self.name + '_orig')
        matrix = _as_matrix(weight, self.dim)
        if iterate:
            with torch.no_grad():
                for _ in range(self.n_power_iterations):
                    v = F.normalize(torch.mv(matrix.t(), getattr(module, self.name + '_u')), dim=0, eps=self.eps)
                    setattr(module, self.name + '_v', v)
                    setattr(module, self.name + '_u', F.normalize(torch.mv(matrix, v), dim=0, eps=self.eps))
        u, v = getattr(module, self.name + '_u').clone(), getattr(module, self.name + '_v').clone()
        return weight / torch.dot(u, torch.mv(matrix, v))

    def __call__(self, module, inputs):
        setattr(module, self.name, self.compute_weight(module, module.training))


def _add_norm(module, made):
    for hook in getattr(module, '_forward_pre_hooks', {}).values():
        if isinstance(hook, type(made)) and hook.name == made.name:
            raise RuntimeError(f'Cannot register two {type(made).__name__} hooks on the same parameter {made.name}')
    weight = module._parameters[made.name]
    del module._parameters[made.name]
    return weight


def weight_norm(module, name='weight', dim=0):
    made = WeightNorm(name, dim)
    weight = _add_norm(module, made)
    module.register_parameter(name + '_g', Parameter(_norm_except_dim(weight, made.dim).data))
    module.register_parameter(name + '_v', Parameter(weight.data.clone()))
    setattr(module, name, made.compute_weight(module))
    module.register_forward_pre_hook(made)
    return module


def spectral_norm(module, name='weight', n_power_iterations=1, eps=1e-12, dim=None):
    if dim is None:
        dim = 1 if isinstance(module, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)) else 0
    made = SpectralNorm(name, n_power_iterations, dim, eps)
    weight = _add_norm(module, made)
    h, w = _as_matrix(weight, dim).size()
    module.register_parameter(name + '_orig', weight)
    setattr(module, name, weight.data)
    module.register_buffer(name + '_u', F.normalize(torch.randn(h), dim=0, eps=eps))
    module.register_buffer(name + '_v', F.normalize(torch.randn(w), dim=0, eps=eps))
    module.register_forward_pre_hook(made)
    return module


def _remove_norm(kind, module, name, parts):
    hooks = getattr(module, '_forward_pre_hooks', {})
    for key, hook in list(hooks.items()):
        if isinstance(hook, kind) and hook.name == name:
            with torch.no_grad():
                weight = hook.compute_weight(module) if kind is WeightNorm else hook.compute_weight(module, False)
            delattr(module, name)
            for part in parts:
                delattr(module, name + part)
            module.register_parameter(name, Parameter(weight.detach()))
            del hooks[key]
            return module
    raise ValueError(f"{kind.__name__} of '{name}' not found in {module}")


def remove_weight_norm(module, name='weight'):
    return _remove_norm(WeightNorm, module, name, ('_g', '_v'))


def remove_spectral_norm(module, name='weight'):
    return _remove_norm(SpectralNorm, module, name, ('_u', '_v', '_orig'))


vector_to_parameters = _refuse('vector_to_parameters')
