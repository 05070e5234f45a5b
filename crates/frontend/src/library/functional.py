# torch.nn.functional: what PyTorch, too, writes in Python.


class _Reduction:
    @staticmethod
    def legacy_get_string(size_average, reduce, emit_warning=True):
        size_average = True if size_average is None else size_average
        reduce = True if reduce is None else reduce
        if not reduce:
            return 'none'
        return 'mean' if size_average else 'sum'

    @staticmethod
    def get_enum(reduction):
        return {'none': 0, 'mean': 1, 'elementwise_mean': 1, 'sum': 2}[reduction]


def _none_or_dtype(input):
    if input is None:
        return None
    if isinstance(input, Tensor):
        return input.dtype
    raise RuntimeError('input to _none_or_dtype() must be None or torch.Tensor')


def _canonical_mask(mask, mask_name, other_type, other_name, target_type, check_other=True):
    if mask is None:
        return None
    if mask.dtype != torch.bool and not mask.is_floating_point():
        raise AssertionError(f'only bool and floating types of {mask_name} are supported')
    if not mask.is_floating_point():
        return torch.zeros_like(mask, dtype=target_type).masked_fill_(mask, float('-inf'))
    return mask


def embedding_bag(input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode='mean',
                  sparse=False, per_sample_weights=None, include_last_offset=False, padding_idx=None):
    if max_norm is not None:
        _unsupported('unsupported', 'embedding_bag(…, max_norm=…)')
    if mode not in ('sum', 'mean', 'max'):
        raise ValueError('mode has to be one of sum, mean or max')
    if per_sample_weights is not None and mode != 'sum':
        raise NotImplementedError("embedding_bag: per_sample_weights was not None. per_sample_weights is only supported "
                                  f"for mode='sum' (got mode='{mode}')")
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError('if input is 2D, then offsets has to be None, as input is treated is a mini-batch of '
                             'fixed length sequences')
        return _bags(input, weight, mode, per_sample_weights, padding_idx)
    if input.dim() != 1:
        raise ValueError(f'input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}')
    if offsets is None:
        raise ValueError('offsets has to be a 1D Tensor but got None')
    starts = offsets.tolist()
    ends = starts[1:] if include_last_offset else starts[1:] + [input.shape[0]]
    out = []
    for a, b in zip(starts, ends):
        if a == b:
            out.append(weight.new_zeros(1, weight.shape[1]))
        else:
            scale = None if per_sample_weights is None else per_sample_weights[a:b].unsqueeze(0)
            out.append(_bags(input[a:b].unsqueeze(0), weight, mode, scale, padding_idx))
    return torch.cat(out)


def _bags(index, weight, mode, scale, padding_idx):
    rows = F.embedding(index, weight)
    if padding_idx is None:
        if mode == 'max':
            return rows.amax(1)
        if mode == 'mean':
            return rows.mean(1)
        return rows.sum(1) if scale is None else (rows * scale.unsqueeze(-1)).sum(1)
    keep = (index != padding_idx % weight.shape[0]).unsqueeze(-1).to(rows.dtype)
    if mode == 'max':
        empty = keep.sum(1) == 0
        return torch.where(empty, 0.0, torch.where(keep > 0, rows, float('-inf')).amax(1))
    if scale is not None:
        rows = rows * scale.unsqueeze(-1)
    total = (rows * keep).sum(1)
    return total / keep.sum(1).clamp(min=1) if mode == 'mean' else total


def _max_unpool(n, input, indices, kernel_size, stride, padding, output_size):
    spread = lambda v: (v,) * n if isinstance(v, int) else tuple(v)
    kernel = spread(kernel_size)
    stride = kernel if stride is None or stride == [] else spread(stride)
    padding = spread(padding)
    batch = input.shape[:-n]
    if output_size is None:
        size = [(input.shape[len(batch) + d] - 1) * stride[d] - 2 * padding[d] + kernel[d] for d in range(n)]
    else:
        size = list(output_size)[-n:]
    if input.shape != indices.shape:
        raise RuntimeError(f'Expected shape of indices to be same as that of the input tensor ({list(input.shape)}) but '
                           f'got indices tensor with shape: {list(indices.shape)}')
    flat = math.prod(size)
    lead = list(batch)
    out = input.new_zeros(lead + [flat]).scatter(-1, indices.reshape(lead + [-1]), input.reshape(lead + [-1]))
    return out.reshape(lead + size)


def max_unpool1d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)
