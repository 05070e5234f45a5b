# torch.nn.utils: gradient clipping, which the recipe reads, and helpers on parameters.


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    _record('clip_norm', (max_norm, norm_type))
    return torch.zeros(())


def clip_grad_value_(parameters, clip_value, foreach=None):
    _record('clip_value', clip_value)


clip_grad_norm = clip_grad_norm_


def parameters_to_vector(parameters):
    return torch.cat([p.view(-1) for p in parameters])


def _refuse(name):
    def refused(*args, **kwargs):
        _unsupported('unsupported', f'torch.nn.utils.{name}')
    return refused


spectral_norm = _refuse('spectral_norm')
weight_norm = _refuse('weight_norm')
remove_weight_norm = _refuse('remove_weight_norm')
remove_spectral_norm = _refuse('remove_spectral_norm')
vector_to_parameters = _refuse('vector_to_parameters')
