# torch.func: a module with other tensors in it, a function over a dimension. What differentiates is not here.


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False):
    given = parameter_and_buffer_dicts
    tensors = {}
    for part in [given] if isinstance(given, dict) else given:
        tensors.update(part)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    before = []
    try:
        for name, tensor in tensors.items():
            path, _, last = name.rpartition('.')
            owner = module.get_submodule(path)
            tables = [t for t in (owner._parameters, owner._buffers) if last in t]
            if not tables:
                if strict:
                    raise RuntimeError(f'Error(s) in loading state_dict: unexpected key(s): {name}')
                continue
            before.append((tables[0], last, tables[0][last]))
            tables[0][last] = tensor
        return module(*args, **({} if kwargs is None else kwargs))
    finally:
        for table, last, tensor in reversed(before):
            table[last] = tensor


def stack_module_state(models):
    if len(models) == 0:
        raise RuntimeError('stack_module_state: Expected at least one model, got 0.')
    stacked = lambda tables: {name: torch.stack([t[name] for t in tables]) for name in tables[0]}
    parameters = stacked([dict(m.named_parameters()) for m in models])
    return ({k: v.detach().requires_grad_() for k, v in parameters.items()},
            stacked([dict(m.named_buffers()) for m in models]))


def _mapped(tree, dims, found):
    # The sizes of the dimensions that are mapped over.
    if dims is None:
        return
    if isinstance(tree, torch.Tensor):
        if not isinstance(dims, int):
            raise ValueError(f'vmap: in_dims has {dims!r} where a tensor is given')
        found.append(tree.shape[dims])
    elif isinstance(tree, dict):
        for k, v in tree.items():
            _mapped(v, dims[k] if isinstance(dims, dict) else dims, found)
    elif isinstance(tree, (tuple, list)):
        for k, v in enumerate(tree):
            _mapped(v, dims[k] if isinstance(dims, (tuple, list)) else dims, found)


def _part(tree, dims, at):
    if dims is None:
        return tree
    if isinstance(tree, torch.Tensor):
        return tree.select(dims, at)
    if isinstance(tree, dict):
        return {k: _part(v, dims[k] if isinstance(dims, dict) else dims, at) for k, v in tree.items()}
    if isinstance(tree, (tuple, list)):
        parts = [_part(v, dims[k] if isinstance(dims, (tuple, list)) else dims, at) for k, v in enumerate(tree)]
        return tuple(parts) if isinstance(tree, tuple) else parts
    return tree


def _whole(parts, dims):
    first = parts[0]
    if isinstance(first, torch.Tensor):
        return torch.stack(parts, dims) if dims is not None else first
    if isinstance(first, dict):
        return {k: _whole([p[k] for p in parts], dims) for k in first}
    if isinstance(first, (tuple, list)):
        each = list(dims) if isinstance(dims, (tuple, list)) else [dims] * len(first)
        out = [_whole([p[k] for p in parts], d) for k, d in enumerate(each)]
        return tuple(out) if isinstance(first, tuple) else out
    raise ValueError(f'vmap: `func` must only return Tensors, got type {type(first).__name__}')


def vmap(func, in_dims=0, out_dims=0, randomness='error', *, chunk_size=None):
    def over(*args, **kwargs):
        dims = tuple(in_dims) if isinstance(in_dims, (tuple, list)) else (in_dims,) * len(args)
        if len(dims) != len(args):
            raise ValueError(f'vmap: in_dims is not compatible with the structure of inputs: {len(dims)} entries for '
                             f'{len(args)} inputs')
        sizes = []
        _mapped(args, dims, sizes)
        _mapped(kwargs, 0, sizes)
        if not sizes:
            raise ValueError('vmap: expected at least one tensor to map over')
        if any(n != sizes[0] for n in sizes):
            raise ValueError(f'vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sizes}')
        calls = [func(*_part(args, dims, k), **_part(kwargs, 0, k)) for k in range(sizes[0])]
        return _whole(calls, out_dims)
    return over
