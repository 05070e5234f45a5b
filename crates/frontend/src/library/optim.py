# torch.optim: optimisers remember their arguments; a step tells the recipe.


class Optimizer:
    def __init__(self, params, defaults):
        self.defaults = defaults
        self.state = {}
        self.param_groups = []
        groups = list(params)
        if len(groups) == 0:
            raise ValueError('optimizer got an empty parameter list')
        if not isinstance(groups[0], dict):
            groups = [{'params': groups}]
        for group in groups:
            self.add_param_group(group)
        _record('optimizer', self)

    def add_param_group(self, param_group):
        group = dict(self.defaults)
        group.update(param_group)
        params = group['params']
        group['params'] = [params] if isinstance(params, torch.Tensor) else list(params)
        self.param_groups.append(group)

    def zero_grad(self, set_to_none=True):
        pass

    def step(self, closure=None):
        if closure is not None:
            closure()
        _record('step', self)

    def state_dict(self):
        return {'state': {}, 'param_groups': self.param_groups}

    def load_state_dict(self, state_dict):
        pass


def _positive(**values):
    for name, value in values.items():
        if value < 0:
            raise ValueError(f'invalid {name}: {value}')


class SGD(Optimizer):
    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False,
                 foreach=None, differentiable=False, fused=None):
        _positive(lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError('Nesterov momentum requires a momentum and zero dampening')
        super().__init__(params, dict(lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay,
                                      nesterov=nesterov))


class Adam(Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, *, foreach=None,
                 maximize=False, capturable=False, differentiable=False, fused=None, decoupled_weight_decay=False):
        _positive(lr=lr, eps=eps, weight_decay=weight_decay)
        if not (0 <= betas[0] < 1 and 0 <= betas[1] < 1):
            raise ValueError(f'invalid beta parameters: {betas}')
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad))


class AdamW(Adam):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, *,
                 maximize=False, foreach=None, capturable=False, differentiable=False, fused=None):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad)


class RMSprop(Optimizer):
    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False,
                 capturable=False, foreach=None, maximize=False, differentiable=False):
        _positive(lr=lr, eps=eps, weight_decay=weight_decay, momentum=momentum, alpha=alpha)
        super().__init__(params, dict(lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum,
                                      centered=centered))


class _Other(Optimizer):
    def __init__(self, params, lr=1e-3, *args, **kwargs):
        super().__init__(params, dict(lr=lr, **kwargs))


class Adagrad(_Other):
    pass


class Adadelta(_Other):
    pass


class Adamax(_Other):
    pass


class NAdam(_Other):
    pass


class RAdam(_Other):
    pass


class Rprop(_Other):
    pass


class ASGD(_Other):
    pass


class LBFGS(_Other):
    pass


class SparseAdam(_Other):
    pass
