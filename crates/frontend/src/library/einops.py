# einops: rearrange, reduce and repeat in terms of reshape, permute and expand.


def _parse(side):
    groups = []
    open_group = None
    for token in side.replace('(', ' ( ').replace(')', ' ) ').replace('...', ' … ').split():
        if token == '(':
            open_group = []
        elif token == ')':
            groups.append(open_group)
            open_group = None
        elif open_group is not None:
            open_group.append(token)
        elif token == '…':
            # Dimensions of their own, unlike those of (...), which are one.
            groups.append(token)
        else:
            groups.append([token])
    return groups


def _sides(pattern, rank):
    left, right = pattern.split('->')
    left, right = _parse(left), _parse(right)
    if any('…' in g for g in left):
        hidden = ['…' + str(k) for k in range(rank - (len(left) - 1))]
        left = _widen(left, hidden)
        right = _widen(right, hidden)
    if len(left) != rank:
        raise ValueError(f'pattern {pattern!r} has {len(left)} dimensions, the tensor {rank}')
    return left, right


def _widen(groups, hidden):
    out = []
    for g in groups:
        if g == '…':
            out.extend([h] for h in hidden)
        else:
            out.append([n for name in g for n in (hidden if name == '…' else [name])])
    return out


def _sizes(left, shape, known, pattern):
    sizes = dict(known)
    for group, total in zip(left, shape):
        free = None
        product = 1
        for name in group:
            if name == '1':
                continue
            if name in sizes:
                product *= sizes[name]
            elif free is None:
                free = name
            else:
                raise ValueError(f'cannot infer the sizes of {group} in {pattern!r}')
        if free is not None:
            if total % product != 0:
                raise ValueError(f'a dimension of {total} is not divisible by {product} in {pattern!r}')
            sizes[free] = total // product
        elif product != total:
            raise ValueError(f'expected a dimension of {product}, found {total} in {pattern!r}')
    return sizes


def _apply(tensor, pattern, reduction, known):
    if isinstance(tensor, (list, tuple)):
        tensor = torch.stack(list(tensor))
    shape = list(tensor.shape)
    left, right = _sides(pattern, len(shape))
    sizes = _sizes(left, shape, known, pattern)
    names = [n for g in left for n in g if n != '1']
    wanted = [n for g in right for n in g if n != '1']
    x = tensor.reshape([sizes[n] for n in names])
    gone = [n for n in names if n not in wanted]
    if gone:
        if reduction is None:
            raise ValueError(f'names {gone} appear on one side only in {pattern!r}')
        dims = [names.index(n) for n in gone]
        if reduction == 'mean':
            x = x.mean(dim=dims)
        elif reduction == 'sum':
            x = x.sum(dim=dims)
        elif reduction == 'max':
            x = x.amax(dim=dims)
        elif reduction == 'min':
            x = x.amin(dim=dims)
        else:
            raise ValueError(f'unknown reduction {reduction!r}')
        names = [n for n in names if n in wanted]
    new = [n for n in wanted if n not in names]
    if new:
        for n in new:
            if n not in sizes:
                raise ValueError(f'the size of {n!r} is not given in {pattern!r}')
        x = x.reshape([1] * len(new) + list(x.shape)).expand([sizes[n] for n in new] + list(x.shape))
        names = new + names
    order = [names.index(n) for n in wanted]
    if order != list(range(len(order))):
        x = x.permute(order)
    out = []
    for g in right:
        size = 1
        for n in g:
            size *= 1 if n == '1' else sizes[n]
        out.append(size)
    return x.reshape(out)


def rearrange(tensor, pattern, **axes_lengths):
    return _apply(tensor, pattern, None, axes_lengths)


def reduce(tensor, pattern, reduction, **axes_lengths):
    return _apply(tensor, pattern, reduction, axes_lengths)


def repeat(tensor, pattern, **axes_lengths):
    return _apply(tensor, pattern, None, axes_lengths)


class Rearrange(nn.Module):
    def __init__(self, pattern, **axes_lengths):
        super().__init__()
        self.pattern = pattern
        self.axes_lengths = axes_lengths

    def forward(self, x):
        return rearrange(x, self.pattern, **self.axes_lengths)


class Reduce(nn.Module):
    def __init__(self, pattern, reduction, **axes_lengths):
        super().__init__()
        self.pattern = pattern
        self.reduction = reduction
        self.axes_lengths = axes_lengths

    def forward(self, x):
        return reduce(x, self.pattern, self.reduction, **self.axes_lengths)
