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


def _reduced(loss, reduction):
    if reduction == 'mean':
        return loss.mean()
    if reduction == 'sum':
        return loss.sum()
    if reduction != 'none':
        raise ValueError(f'{reduction} is not a valid value for reduction')
    return loss


def cosine_embedding_loss(input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction='mean'):
    eps = 1e-12
    dot = (input1 * input2).sum(-1)
    cos = dot / ((input1.square().sum(-1) + eps) * (input2.square().sum(-1) + eps)).sqrt()
    loss = torch.where(target == 1, 1 - cos, torch.where(target == -1, (cos - margin).clamp(min=0), 0.0))
    return _reduced(loss, reduction)


def margin_ranking_loss(input1, input2, target, margin=0.0, size_average=None, reduce=None, reduction='mean'):
    if input1.ndim != input2.ndim or input1.ndim != target.ndim:
        raise RuntimeError(f'margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: '
                           f'{input1.size()}, input2: {input2.size()}, target: {target.size()} ')
    return _reduced((-target * (input1 - input2) + margin).clamp(min=0), reduction)


def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction='mean'):
    apart = torch.where(target != 1, (margin - input).clamp(min=0), 0.0)
    near = torch.where(target != -1, input, 0.0)
    return _reduced(apart + near, reduction)


def soft_margin_loss(input, target, size_average=None, reduce=None, reduction='mean'):
    return _reduced(torch.log1p(torch.exp(-target * input)), reduction)


def triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2.0, eps=1e-6, swap=False, size_average=None, reduce=None,
                        reduction='mean'):
    near = F.pairwise_distance(anchor, positive, p, eps)
    far = F.pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = torch.minimum(far, F.pairwise_distance(positive, negative, p, eps))
    return _reduced((margin + near - far).clamp(min=0), reduction)


def triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False,
                                      reduction='mean'):
    distance = F.pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = torch.minimum(far, distance(positive, negative))
    return _reduced((margin + near - far).clamp(min=0), reduction)


def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction='mean'):
    loss = -(target * F.logsigmoid(input) + (1 - target) * F.logsigmoid(-input))
    loss = loss if weight is None else loss * weight
    return _reduced(loss.sum(-1) / input.size(-1), reduction)


def _multi_margin(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction='mean'):
    own = input.gather(-1, target.unsqueeze(-1))
    loss = (margin - own + input).clamp(min=0)
    loss = loss if p == 1 else loss * loss
    if weight is not None:
        loss = loss * weight[target].unsqueeze(-1)
    others = torch.arange(input.shape[-1]) != target.unsqueeze(-1)
    return _reduced((loss * others).sum(-1) / input.shape[-1], reduction)


def poisson_nll_loss(input, target, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None, reduction='mean'):
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        held = target.clamp(min=1)
        stirling = held * held.log() - held + 0.5 * (2 * math.pi * held).log()
        loss = loss + torch.where(target > 1, stirling, 0.0)
    return _reduced(loss, reduction)


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction='mean'):
    if var.shape != input.shape and var.ndim < input.ndim:
        var = var.unsqueeze(-1)
    held = var.detach().clamp(min=eps) + (var - var.detach())
    loss = 0.5 * (held.log() + (input - target) ** 2 / held)
    return _reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


def _fractional_max_pool(n, input, kernel_size, output_size, output_ratio, return_indices, samples):
    # Windows begin at pseudo-random places (Graham 2014); the last one ends at the border.
    spread = lambda v: [v] * n if isinstance(v, (int, float)) else list(v)
    kernel = spread(kernel_size)
    if output_size is None and output_ratio is None:
        raise ValueError('fractional_max_pool requires specifying either an output_size or an output_ratio')
    sizes = list(input.shape[-n:])
    out = spread(output_size) if output_size is not None else [int(s * r) for s, r in zip(sizes, spread(output_ratio))]
    for d in range(n):
        if out[d] + kernel[d] - 1 > sizes[d]:
            raise RuntimeError(f'fractional_max_pool: pool size ({kernel[d]}) too large relative to input size ({sizes[d]})')
    batched = input.ndim == n + 2
    x = input if batched else input.unsqueeze(0)
    if samples is None:
        samples = torch.rand(x.shape[0], x.shape[1], n)
    x = x.flatten(2)
    place = torch.zeros(1, 1, 1, dtype=torch.int64)
    for d in range(n):
        # The first sample is for the last dimension.
        share = samples[..., n - 1 - d].unsqueeze(-1)
        if out[d] > 1:
            alpha = (sizes[d] - kernel[d]) / (out[d] - 1)
            steps = torch.arange(out[d] - 1)
            begin = ((steps + share) * alpha).long() - (share * alpha).long()
            begin = torch.cat([begin, torch.full_like(begin[..., :1], sizes[d] - kernel[d])], -1)
        else:
            begin = torch.full_like(share, sizes[d] - kernel[d]).long()
        at = (begin.unsqueeze(-1) + torch.arange(kernel[d])).flatten(-2)
        place = (place.unsqueeze(-1) * sizes[d] + at.unsqueeze(-2)).flatten(-2)
    # From window-and-tap along each dimension to windows first.
    lead = list(x.shape[:2])
    place = place.expand(lead + [place.shape[-1]])
    grid = [m for d in range(n) for m in (out[d], kernel[d])]
    order = [0, 1] + [2 + 2 * d for d in range(n)] + [3 + 2 * d for d in range(n)]
    place = place.reshape(lead + grid).permute(order).reshape(lead + [math.prod(out), math.prod(kernel)])
    values = x.gather(-1, place.flatten(-2)).reshape(place.shape)
    best, tap = values.max(-1)
    best, index = [t.reshape(lead + out) for t in (best, place.gather(-1, tap.unsqueeze(-1)))]
    if not batched:
        best, index = best.squeeze(0), index.squeeze(0)
    return (best, index) if return_indices else best


def fractional_max_pool2d(input, kernel_size, output_size=None, output_ratio=None, return_indices=False,
                          _random_samples=None):
    return _fractional_max_pool(2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


def fractional_max_pool3d(input, kernel_size, output_size=None, output_ratio=None, return_indices=False,
                          _random_samples=None):
    return _fractional_max_pool(3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


def max_pool2d_with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    return F.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices=True)


def adaptive_max_pool2d_with_indices(input, output_size, return_indices=False):
    return F.adaptive_max_pool2d(input, output_size, return_indices=True)


def _antialias_weights(size, out, scale, cubic):
    # One row for each output: the filter, as wide as a downscaling asks for, over the inputs that it reaches.
    widened = scale if scale >= 1 else 1.0
    support = (2 if cubic else 1) * widened
    a = -0.5
    rows = []
    for i in range(out):
        centre = scale * (i + 0.5)
        first = max(int(centre - support + 0.5), 0)
        last = min(int(centre + support + 0.5), size)
        weights = []
        for j in range(first, last):
            d = abs((j - centre + 0.5) / widened)
            if not cubic:
                weights.append(1 - d if d < 1 else 0.0)
            elif d < 1:
                weights.append(((a + 2) * d - (a + 3)) * d * d + 1)
            else:
                weights.append((((d - 5) * d + 8) * d - 4) * a if d < 2 else 0.0)
        total = sum(weights)
        rows.append([0.0] * first + [w / total for w in weights] + [0.0] * (size - last))
    return torch.tensor(rows)


def _interpolate_antialiased(input, size=None, scale_factor=None, mode='nearest', align_corners=None,
                             recompute_scale_factor=None, antialias=False):
    if mode not in ('bilinear', 'bicubic') or input.ndim != 4:
        raise ValueError('Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D tensor as input')
    pair = lambda v: list(v) if isinstance(v, (list, tuple)) else [v, v]
    sizes = list(input.shape[2:])
    factors = [None, None] if scale_factor is None else pair(scale_factor)
    out = pair(size) if size is not None else [math.floor(n * f) for n, f in zip(sizes, factors)]
    matrices = []
    for n, m, f in zip(sizes, out, factors):
        if align_corners:
            scale = (n - 1) / (m - 1) if m > 1 else 0.0
        else:
            scale = n / m if f is None or recompute_scale_factor else 1 / f
        matrices.append(_antialias_weights(n, m, scale, mode == 'bicubic'))
    return matrices[0] @ (input @ matrices[1].t())
