# torch.nn.init: initial values, by the formulas of Glorot & Bengio 2010, He et al. 2015 and Saxe et al. 2013.


def _calculate_fan_in_and_fan_out(tensor):
    if tensor.dim() < 2:
        raise ValueError('fan in and fan out can not be computed for tensor with fewer than 2 dimensions')
    field = 1
    for size in tensor.shape[2:]:
        field *= size
    return tensor.shape[1] * field, tensor.shape[0] * field


def _calculate_correct_fan(tensor, mode):
    mode = mode.lower()
    if mode not in ('fan_in', 'fan_out'):
        raise ValueError(f'mode {mode} not supported, please use one of fan_in, fan_out')
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return fan_in if mode == 'fan_in' else fan_out


def calculate_gain(nonlinearity, param=None):
    if nonlinearity in ('linear', 'conv1d', 'conv2d', 'conv3d', 'conv_transpose1d', 'conv_transpose2d',
                        'conv_transpose3d', 'sigmoid'):
        return 1
    if nonlinearity == 'tanh':
        return 5.0 / 3
    if nonlinearity == 'relu':
        return math.sqrt(2.0)
    if nonlinearity == 'leaky_relu':
        slope = 0.01 if param is None else param
        return math.sqrt(2.0 / (1 + slope ** 2))
    if nonlinearity == 'selu':
        return 3.0 / 4
    raise ValueError(f'unsupported nonlinearity {nonlinearity}')


def _into(tensor, written):
    return tensor


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    return _into(tensor, tensor.data.uniform_(a, b))


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    return _into(tensor, tensor.data.normal_(mean, std))


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    return _into(tensor, tensor.data.trunc_normal_(mean, std, a, b))


def constant_(tensor, val):
    return _into(tensor, tensor.data.fill_(val))


def ones_(tensor):
    return _into(tensor, tensor.data.fill_(1.0))


def zeros_(tensor):
    return _into(tensor, tensor.data.fill_(0.0))


def eye_(tensor):
    if tensor.dim() != 2:
        raise ValueError('only tensors with 2 dimensions are supported')
    return _into(tensor, tensor.data.copy_(torch.eye(tensor.shape[0], tensor.shape[1])))


def dirac_(tensor, groups=1):
    if tensor.dim() not in (3, 4, 5):
        raise ValueError('only tensors with 3, 4, or 5 dimensions are supported')
    if tensor.shape[0] % groups != 0:
        raise ValueError('dim 0 must be divisible by groups')
    rows = tensor.shape[0] // groups
    eye = torch.cat([torch.eye(rows, tensor.shape[1])] * groups, 0)
    for size in tensor.shape[2:]:
        eye = F.pad(eye.unsqueeze(-1), (size // 2, size - 1 - size // 2))
    return _into(tensor, tensor.data.copy_(eye))


def xavier_uniform_(tensor, gain=1.0, generator=None):
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    bound = math.sqrt(3.0) * gain * math.sqrt(2.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound)


def xavier_normal_(tensor, gain=1.0, generator=None):
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)))


def kaiming_uniform_(tensor, a=0, mode='fan_in', nonlinearity='leaky_relu', generator=None):
    if 0 in tensor.shape:
        return tensor
    fan = _calculate_correct_fan(tensor, mode)
    bound = math.sqrt(3.0) * calculate_gain(nonlinearity, a) / math.sqrt(fan)
    return uniform_(tensor, -bound, bound)


def kaiming_normal_(tensor, a=0, mode='fan_in', nonlinearity='leaky_relu', generator=None):
    if 0 in tensor.shape:
        return tensor
    fan = _calculate_correct_fan(tensor, mode)
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(fan))


def orthogonal_(tensor, gain=1, generator=None):
    if tensor.dim() < 2:
        raise ValueError('only tensors with 2 or more dimensions are supported')
    return _into(tensor, tensor.data.orthogonal_(gain))


def sparse_(tensor, sparsity, std=0.01, generator=None):
    if tensor.dim() != 2:
        raise ValueError('only tensors with 2 dimensions are supported')
    rows, cols = tensor.shape
    zeros = int(math.ceil(sparsity * rows))
    tensor.data.normal_(0, std)
    if zeros > 0:
        # Different rows for each column: those of the largest of as many random numbers.
        index = torch.rand(rows, cols).topk(zeros, dim=0)[1]
        tensor.data.scatter_(0, index, 0.0)
    return tensor


_no_grad_uniform_ = uniform_
_no_grad_normal_ = normal_
_no_grad_trunc_normal_ = trunc_normal_
_no_grad_fill_ = constant_
_no_grad_zero_ = zeros_
uniform = uniform_
normal = normal_
constant = constant_
xavier_uniform = xavier_uniform_
xavier_normal = xavier_normal_
kaiming_uniform = kaiming_uniform_
kaiming_normal = kaiming_normal_
orthogonal = orthogonal_
