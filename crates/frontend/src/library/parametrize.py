# torch.nn.utils.parametrize: a tensor of a module is computed from others each time it is read.


class ParametrizationList(nn.ModuleList):
    def __init__(self, modules, original, unsafe=False):
        super().__init__(modules)
        new = original
        with torch.no_grad():
            for module in reversed(list(self)):
                if hasattr(module, 'right_inverse'):
                    new = module.right_inverse(new)
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        trained = isinstance(original, Parameter)
        for name, value in zip(self._names(), [new] if self.is_tensor else new):
            if value is original:
                kept = value
            elif trained:
                kept = Parameter(value.detach().clone(), requires_grad=original.requires_grad)
            else:
                kept = value
            if trained:
                self.register_parameter(name, kept)
            else:
                self.register_buffer(name, kept)

    def _names(self):
        return ['original'] if self.is_tensor else [f'original{k}' for k in range(self.ntensors)]

    def right_inverse(self, value):
        with torch.no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, 'right_inverse'):
                    raise RuntimeError(f"parametrization {type(module).__name__} does not implement right_inverse.")
                value = module.right_inverse(value)
            for name, part in zip(self._names(), [value] if self.is_tensor else value):
                getattr(self, name).data = part.data

    def forward(self):
        steps = list(self)
        out = steps[0](*[getattr(self, name) for name in self._names()])
        for step in steps[1:]:
            out = step(out)
        return out


def _parametrized_class(module, tensor_name, own):
    kind = type(module)
    if not own:
        kind = type('Parametrized' + kind.__name__, (kind,), {})
        module.__class__ = kind
        module.parametrizations = nn.ModuleDict()

    def get(self):
        return self.parametrizations[tensor_name]()

    def set(self, value):
        self.parametrizations[tensor_name].right_inverse(value)

    setattr(kind, tensor_name, property(get, set))


def register_parametrization(module, tensor_name, parametrization, *, unsafe=False):
    if is_parametrized(module, tensor_name):
        module.parametrizations[tensor_name].append(parametrization)
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        original = getattr(module, tensor_name)
        made = ParametrizationList([parametrization], original, unsafe=unsafe)
        delattr(module, tensor_name)
        _parametrized_class(module, tensor_name, is_parametrized(module))
        module.parametrizations[tensor_name] = made
    else:
        raise ValueError(f"Module '{type(module).__name__}' does not have a parameter, a buffer, or a parametrized element with name '{tensor_name}'")
    return module


def is_parametrized(module, tensor_name=None):
    parametrizations = getattr(module, 'parametrizations', None)
    if parametrizations is None or not isinstance(parametrizations, nn.ModuleDict):
        return False
    if tensor_name is None:
        return len(parametrizations) > 0
    return tensor_name in parametrizations


def remove_parametrizations(module, tensor_name, leave_parametrized=True):
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {type(module).__name__} does not have a parametrization on {tensor_name}")
    held = module.parametrizations[tensor_name]
    if leave_parametrized:
        with torch.no_grad():
            value = getattr(module, tensor_name)
        trained = len(list(held.parameters(recurse=False))) > 0
    elif held.is_tensor:
        value, trained = held.original, isinstance(held.original, Parameter)
    else:
        raise ValueError('Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is parametrized in terms of a sequence of tensors.')
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    if len(module.parametrizations) == 0:
        delattr(module, 'parametrizations')
        module.__class__ = type(module).__bases__[0]
    if trained:
        module.register_parameter(tensor_name, value if isinstance(value, Parameter) else Parameter(value))
    else:
        module.register_buffer(tensor_name, value)
    return module


class cached:
    def __enter__(self):
        return self

    def __exit__(self, *args):
        return False
