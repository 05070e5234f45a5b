# torch.nn: the base of all modules. Attribute storage (`_parameters`, `_buffers`, `_modules`), calling and hooks are native.


class Module(_ModuleBase):
    def __init__(self, *args, **kwargs):
        if args or kwargs:
            raise TypeError(f"{type(self).__name__}.__init__() takes 1 positional argument but more were given")
        _module_init(self)

    def forward(self, *input):
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def register_parameter(self, name, param):
        if not hasattr(self, '_parameters'):
            raise AttributeError('cannot assign parameter before Module.__init__() call')
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"cannot assign an object that is no Parameter to parameter '{name}'")
        self._parameters[name] = param

    def register_buffer(self, name, tensor, persistent=True):
        if not hasattr(self, '_buffers'):
            raise AttributeError('cannot assign buffer before Module.__init__() call')
        if '.' in name or name == '':
            raise KeyError(f"buffer name {name!r} must be a plain name")
        if hasattr(self, name) and name not in self._buffers:
            raise KeyError(f"attribute '{name}' already exists")
        if tensor is not None and not isinstance(tensor, Tensor) and type(tensor).__name__ != '_Complex':
            raise TypeError(f"cannot assign a non-tensor to buffer '{name}' (torch Tensor or None required)")
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name, module):
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        if not isinstance(name, str):
            raise TypeError(f"module name should be a string, got {type(name).__name__}")
        if hasattr(self, name) and name not in self._modules:
            raise KeyError(f"attribute '{name}' already exists")
        if '.' in name:
            raise KeyError(f"module name can't contain \".\", got: {name}")
        if name == '':
            raise KeyError('module name can\'t be empty string ""')
        self._modules[name] = module

    def register_module(self, name, module):
        self.add_module(name, module)

    def get_submodule(self, target):
        found = self
        if target:
            for part in target.split('.'):
                if not hasattr(found, part):
                    raise AttributeError(f"{type(found).__name__} has no attribute `{part}`")
                found = getattr(found, part)
                if not isinstance(found, Module):
                    raise AttributeError(f"`{part}` is not an nn.Module")
        return found

    def get_parameter(self, target):
        path, _, name = target.rpartition('.')
        return getattr(self.get_submodule(path), name)

    def get_buffer(self, target):
        return self.get_parameter(target)

    def named_children(self):
        return _walk(self, 'named_children')

    def children(self):
        return _walk(self, 'children')

    def named_modules(self, memo=None, prefix='', remove_duplicate=True):
        if memo is None:
            return _walk(self, 'named_modules', prefix, True, remove_duplicate)
        return self._named_modules(memo, prefix, remove_duplicate)

    def _named_modules(self, memo, prefix, remove_duplicate):
        if self not in memo:
            if remove_duplicate:
                memo.add(self)
            yield prefix, self
            for name, module in self._modules.items():
                if module is not None:
                    path = prefix + '.' + name if prefix else name
                    yield from module.named_modules(memo, path, remove_duplicate)

    def modules(self):
        return _walk(self, 'modules')

    def named_parameters(self, prefix='', recurse=True, remove_duplicate=True):
        return _walk(self, 'named_parameters', prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        return _walk(self, 'parameters', '', recurse)

    def named_buffers(self, prefix='', recurse=True, remove_duplicate=True):
        return _walk(self, 'named_buffers', prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        return _walk(self, 'buffers', '', recurse)

    def state_dict(self, *args, destination=None, prefix='', keep_vars=False):
        out = {} if destination is None else destination
        for name, value in self._parameters.items():
            if value is not None:
                out[prefix + name] = value if keep_vars else value.data
        for name, value in self._buffers.items():
            if value is not None and name not in self._non_persistent_buffers_set:
                out[prefix + name] = value
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=out, prefix=prefix + name + '.', keep_vars=keep_vars)
        return out

    def load_state_dict(self, state_dict, strict=True, assign=False):
        if not isinstance(state_dict, dict) or not all([isinstance(v, Tensor) for v in state_dict.values()]):
            _unsupported('unsupported-pretrained', 'load_state_dict reads weights that are not part of the source')
        own = self.state_dict(keep_vars=True)
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        problems = []
        if strict and unexpected:
            problems.append('Unexpected key(s) in state_dict: ' + ', '.join([f'"{n}"' for n in unexpected]) + '. ')
        if strict and missing:
            problems.append('Missing key(s) in state_dict: ' + ', '.join([f'"{n}"' for n in missing]) + '. ')
        for name, value in state_dict.items():
            if name in own and own[name].shape != value.shape:
                problems.append(f'size mismatch for {name}: copying a param with shape {value.shape} from checkpoint, the '
                                f'shape in current model is {own[name].shape}.')
        if problems:
            raise RuntimeError(f'Error(s) in loading state_dict for {type(self).__name__}:\n\t' + '\n\t'.join(problems))
        with torch.no_grad():
            for name, value in state_dict.items():
                if name in own:
                    own[name].copy_(value)
        return _IncompatibleKeys(missing, unexpected)

    def apply(self, fn):
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn, recurse=True):
        return self

    def train(self, mode=True):
        if not isinstance(mode, bool):
            raise ValueError('training mode is expected to be boolean')
        return _train(self, mode)

    def eval(self):
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        pass

    def to(self, *args, **kwargs):
        for kind in [*args, *kwargs.values()]:
            kind = kind.dtype if isinstance(kind, Tensor) else kind
            if isinstance(kind, torch.dtype):
                return self._converted(kind)
        return self

    def _converted(self, dtype):
        if dtype not in (torch.float32, torch.float64):
            _unsupported('unsupported', f'training in {dtype}')
        for p in self.parameters():
            if p.is_floating_point() and p.dtype != dtype:
                p.data = p.data.to(dtype)
        for module in self.modules():
            for name, value in module._buffers.items():
                if isinstance(value, Tensor) and value.is_floating_point() and value.dtype != dtype:
                    module._buffers[name] = value.to(dtype)
        return self

    def cuda(self, device=None):
        return self

    def cpu(self):
        return self

    def float(self):
        return self._converted(torch.float32)

    def type(self, dst_type):
        return self._converted(dst_type) if isinstance(dst_type, torch.dtype) else self

    def half(self):
        _unsupported('unsupported', 'training in half precision')

    def bfloat16(self):
        _unsupported('unsupported', 'training in bfloat16')

    def double(self):
        return self._converted(torch.float64)

    def share_memory(self):
        return self

    def compile(self, *args, **kwargs):
        pass

    def extra_repr(self):
        return ''

    def _get_name(self):
        return type(self).__name__

    def __repr__(self):
        return type(self).__name__ + '(' + self.extra_repr() + ')'

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        return _add_hook(self, '_forward_hooks', hook, with_kwargs)

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        return _add_hook(self, '_forward_pre_hooks', hook, with_kwargs)

    def register_full_backward_hook(self, hook, prepend=False):
        return _look_back(hook)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        return _look_back(hook)

    def register_backward_hook(self, hook):
        return _look_back(hook)

    def register_state_dict_pre_hook(self, hook):
        pass

    def _register_load_state_dict_pre_hook(self, hook, with_module=False):
        pass

    def register_load_state_dict_post_hook(self, hook):
        pass


_IncompatibleKeys = collections.namedtuple('IncompatibleKeys', ['missing_keys', 'unexpected_keys'])


class RemovableHandle:
    def __init__(self, hooks, key):
        self.hooks = hooks
        self.key = key

    def remove(self):
        self.hooks.pop(self.key, None)


def _look_back(hook):
    # A hook of the backward pass that gives nothing back changes nothing.
    if not _returns_nothing(hook):
        _unsupported('unsupported-hook', 'a hook on the backward pass that may change gradients')
    return RemovableHandle({}, 0)


def _add_hook(module, table, hook, with_kwargs):
    if not hasattr(module, table):
        setattr(module, table, {})
    hooks = getattr(module, table)
    key = len(hooks)
    hooks[key] = (hook,) if with_kwargs else hook
    return RemovableHandle(hooks, key)
