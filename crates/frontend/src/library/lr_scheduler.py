# torch.optim.lr_scheduler: schedules remember their arguments; a step tells the recipe.


class LRScheduler:
    def __init__(self, optimizer, last_epoch=-1, verbose=False):
        self.optimizer = optimizer
        self.last_epoch = last_epoch
        self.base_lrs = [group['lr'] for group in optimizer.param_groups]
        _record('scheduler', self)

    def step(self, *args, **kwargs):
        _record('scheduler_step', self)

    def get_last_lr(self):
        return self.base_lrs

    def get_lr(self):
        return self.base_lrs

    def state_dict(self):
        return {}

    def load_state_dict(self, state_dict):
        pass


_LRScheduler = LRScheduler


class StepLR(LRScheduler):
    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1, verbose=False):
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)


class CosineAnnealingLR(LRScheduler):
    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1, verbose=False):
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)


class ExponentialLR(LRScheduler):
    def __init__(self, optimizer, gamma, last_epoch=-1, verbose=False):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)


class _OtherSchedule(LRScheduler):
    def __init__(self, optimizer, *args, **kwargs):
        self.arguments = args
        self.options = kwargs
        super().__init__(optimizer)


class MultiStepLR(_OtherSchedule):
    pass


class LinearLR(_OtherSchedule):
    pass


class ConstantLR(_OtherSchedule):
    pass


class PolynomialLR(_OtherSchedule):
    pass


class LambdaLR(_OtherSchedule):
    pass


class MultiplicativeLR(_OtherSchedule):
    pass


class OneCycleLR(_OtherSchedule):
    pass


class CyclicLR(_OtherSchedule):
    pass


class ReduceLROnPlateau(_OtherSchedule):
    pass


class SequentialLR(_OtherSchedule):
    pass


class ChainedScheduler(_OtherSchedule):
    def __init__(self, schedulers, optimizer=None):
        super().__init__(schedulers[0].optimizer)


class CosineAnnealingWarmRestarts(_OtherSchedule):
    pass
