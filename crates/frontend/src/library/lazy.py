# torch.nn: layers that learn their input's size from the first tensor they see, and become the ordinary layer then.


class LazyModuleMixin:
    # The layer's tensors have their names from the start, so that the state dict has PyTorch's order.
    def _wait(self, make, parameters, buffers=(), axis=1):
        Module.__init__(self)
        self._make = make
        self._axis = axis
        for name in parameters:
            self.register_parameter(name, None)
        for name in buffers:
            self.register_buffer(name, None)

    def has_uninitialized_params(self):
        return True

    def forward(self, input, *args):
        made = self._make(input.shape[self._axis])
        for name, value in made.__dict__.items():
            if name not in ('training', '_forward_hooks', '_forward_pre_hooks'):
                setattr(self, name, value)
        for name, value in made._parameters.items():
            self._parameters[name] = value
        for name, value in made._buffers.items():
            setattr(self, name, value)
        del self._make
        del self._axis
        self.__class__ = type(made)
        return self.forward(input, *args)


class LazyLinear(LazyModuleMixin, Linear):
    def __init__(self, out_features, bias=True, device=None, dtype=None):
        self._wait(lambda n: Linear(n, out_features, bias), ('weight', 'bias'), axis=-1)
        self.in_features = 0
        self.out_features = out_features


def _lazy_conv(kind, lazy, rank, transposed=False):
    def wait(self, make, out_channels, kernel_size, groups):
        self._wait(make, ('weight', 'bias'), axis=-rank - 1)
        self.in_channels = 0
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.groups = groups

    def plain(self, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode='zeros', device=None, dtype=None):
        wait(self, lambda n: kind(n, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode), out_channels, kernel_size, groups)

    def turned(self, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1, padding_mode='zeros', device=None, dtype=None):
        wait(self, lambda n: kind(n, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, padding_mode), out_channels, kernel_size, groups)

    return type(lazy, (LazyModuleMixin, kind), {'__init__': turned if transposed else plain})


def _lazy_norm(kind, lazy):
    def __init__(self, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None):
        buffers = ('running_mean', 'running_var', 'num_batches_tracked')
        self._wait(lambda n: kind(n, eps, momentum, affine, track_running_stats), ('weight', 'bias'), buffers)
        self.num_features = 0
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats

    return type(lazy, (LazyModuleMixin, kind), {'__init__': __init__})


LazyConv1d = _lazy_conv(Conv1d, 'LazyConv1d', 1)
LazyConv2d = _lazy_conv(Conv2d, 'LazyConv2d', 2)
LazyConv3d = _lazy_conv(Conv3d, 'LazyConv3d', 3)
LazyConvTranspose1d = _lazy_conv(ConvTranspose1d, 'LazyConvTranspose1d', 1, transposed=True)
LazyConvTranspose2d = _lazy_conv(ConvTranspose2d, 'LazyConvTranspose2d', 2, transposed=True)
LazyConvTranspose3d = _lazy_conv(ConvTranspose3d, 'LazyConvTranspose3d', 3, transposed=True)
LazyBatchNorm1d = _lazy_norm(BatchNorm1d, 'LazyBatchNorm1d')
LazyBatchNorm2d = _lazy_norm(BatchNorm2d, 'LazyBatchNorm2d')
LazyBatchNorm3d = _lazy_norm(BatchNorm3d, 'LazyBatchNorm3d')
LazyInstanceNorm1d = _lazy_norm(InstanceNorm1d, 'LazyInstanceNorm1d')
LazyInstanceNorm2d = _lazy_norm(InstanceNorm2d, 'LazyInstanceNorm2d')
LazyInstanceNorm3d = _lazy_norm(InstanceNorm3d, 'LazyInstanceNorm3d')
