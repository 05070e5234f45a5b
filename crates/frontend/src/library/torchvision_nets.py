# torchvision.models: the architectures that networks build on, without weights.


def _plain(name, weights, config):
    if weights is not None and weights is not False or config.pop('pretrained', False):
        _unsupported('unsupported-pretrained', f'the weights of {name} are not part of the source')
    config.pop('progress', None)
    config.pop('weights_backbone', None)
    return config


def _kaiming(net, mode='fan_out'):
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode=mode, nonlinearity='relu')
            if m.bias is not None:
                nn.init.zeros_(m.bias)
        elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
            nn.init.ones_(m.weight)
            nn.init.zeros_(m.bias)


class AlexNet(nn.Module):
    def __init__(self, num_classes=1000, dropout=0.5):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2))
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(9216, 4096), nn.ReLU(inplace=True),
            nn.Dropout(dropout), nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Linear(4096, num_classes))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def alexnet(*, weights=None, **config):
    return AlexNet(**_plain('alexnet', weights, config))


_VGG = {
    'A': (1, 1, 2, 2, 2), 'B': (2, 2, 2, 2, 2), 'D': (2, 2, 3, 3, 3), 'E': (2, 2, 4, 4, 4),
}


def _vgg_features(depths, batch_norm):
    layers = []
    width = 3
    for repeat, out in zip(depths, (64, 128, 256, 512, 512)):
        for _ in range(repeat):
            layers.append(nn.Conv2d(width, out, 3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(out))
            layers.append(nn.ReLU(inplace=True))
            width = out
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)


class VGG(nn.Module):
    def __init__(self, features, num_classes=1000, init_weights=True, dropout=0.5):
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(25088, 4096), nn.ReLU(True), nn.Dropout(dropout),
            nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(dropout), nn.Linear(4096, num_classes))
        if init_weights:
            _kaiming(self)
            for m in self.modules():
                if isinstance(m, nn.Linear):
                    nn.init.normal_(m.weight, 0, 0.01)
                    nn.init.zeros_(m.bias)

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def _vgg(name, key, batch_norm):
    def build(*, weights=None, **config):
        return VGG(_vgg_features(_VGG[key], batch_norm), **_plain(name, weights, config))
    return build


vgg11 = _vgg('vgg11', 'A', False)
vgg13 = _vgg('vgg13', 'B', False)
vgg16 = _vgg('vgg16', 'D', False)
vgg19 = _vgg('vgg19', 'E', False)
vgg11_bn = _vgg('vgg11_bn', 'A', True)
vgg13_bn = _vgg('vgg13_bn', 'B', True)
vgg16_bn = _vgg('vgg16_bn', 'D', True)
vgg19_bn = _vgg('vgg19_bn', 'E', True)


def conv3x3(in_planes, out_planes, stride=1, groups=1, dilation=1):
    return nn.Conv2d(in_planes, out_planes, 3, stride=stride, padding=dilation, groups=groups, bias=False,
                     dilation=dilation)


def conv1x1(in_planes, out_planes, stride=1):
    return nn.Conv2d(in_planes, out_planes, 1, stride=stride, bias=False)


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64, dilation=1,
                 norm_layer=None):
        super().__init__()
        norm_layer = norm_layer or nn.BatchNorm2d
        if groups != 1 or base_width != 64:
            raise ValueError('BasicBlock only supports groups=1 and base_width=64')
        if dilation > 1:
            raise NotImplementedError('Dilation > 1 not supported in BasicBlock')
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm_layer(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm_layer(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inplanes, planes, stride=1, downsample=None, groups=1, base_width=64, dilation=1,
                 norm_layer=None):
        super().__init__()
        norm_layer = norm_layer or nn.BatchNorm2d
        width = int(planes * (base_width / 64.0)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm_layer(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm_layer(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm_layer(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self, block, layers, num_classes=1000, zero_init_residual=False, groups=1, width_per_group=64,
                 replace_stride_with_dilation=None, norm_layer=None):
        super().__init__()
        self._norm_layer = norm_layer or nn.BatchNorm2d
        self.inplanes = 64
        self.dilation = 1
        dilate = replace_stride_with_dilation or [False, False, False]
        if len(dilate) != 3:
            raise ValueError('replace_stride_with_dilation should be None or a 3-element tuple')
        self.groups = groups
        self.base_width = width_per_group
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = self._norm_layer(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], 2, dilate[0])
        self.layer3 = self._make_layer(block, 256, layers[2], 2, dilate[1])
        self.layer4 = self._make_layer(block, 512, layers[3], 2, dilate[2])
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        _kaiming(self)
        if zero_init_residual:
            for m in self.modules():
                if isinstance(m, Bottleneck):
                    nn.init.zeros_(m.bn3.weight)
                elif isinstance(m, BasicBlock):
                    nn.init.zeros_(m.bn2.weight)

    def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
        norm_layer = self._norm_layer
        downsample = None
        before = self.dilation
        if dilate:
            self.dilation *= stride
            stride = 1
        if stride != 1 or self.inplanes != planes * block.expansion:
            downsample = nn.Sequential(conv1x1(self.inplanes, planes * block.expansion, stride),
                                       norm_layer(planes * block.expansion))
        layers = [block(self.inplanes, planes, stride, downsample, self.groups, self.base_width, before, norm_layer)]
        self.inplanes = planes * block.expansion
        for _ in range(1, blocks):
            layers.append(block(self.inplanes, planes, groups=self.groups, base_width=self.base_width,
                                dilation=self.dilation, norm_layer=norm_layer))
        return nn.Sequential(*layers)

    def _forward_impl(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))

    def forward(self, x):
        return self._forward_impl(x)


def _resnet(name, block, layers, **fixed):
    def build(*args, weights=None, **config):
        config = {**fixed, **_plain(name, args[0] if args else weights, config)}
        return ResNet(block, layers, **config)
    return build


resnet18 = _resnet('resnet18', BasicBlock, [2, 2, 2, 2])
resnet34 = _resnet('resnet34', BasicBlock, [3, 4, 6, 3])
resnet50 = _resnet('resnet50', Bottleneck, [3, 4, 6, 3])
resnet101 = _resnet('resnet101', Bottleneck, [3, 4, 23, 3])
resnet152 = _resnet('resnet152', Bottleneck, [3, 8, 36, 3])
resnext50_32x4d = _resnet('resnext50_32x4d', Bottleneck, [3, 4, 6, 3], groups=32, width_per_group=4)
resnext101_32x8d = _resnet('resnext101_32x8d', Bottleneck, [3, 4, 23, 3], groups=32, width_per_group=8)
resnext101_64x4d = _resnet('resnext101_64x4d', Bottleneck, [3, 4, 23, 3], groups=64, width_per_group=4)
wide_resnet50_2 = _resnet('wide_resnet50_2', Bottleneck, [3, 4, 6, 3], width_per_group=128)
wide_resnet101_2 = _resnet('wide_resnet101_2', Bottleneck, [3, 4, 23, 3], width_per_group=128)


class _DenseLayer(nn.Module):
    def __init__(self, num_input_features, growth_rate, bn_size, drop_rate, memory_efficient=False):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, bn_size * growth_rate, 1, stride=1, bias=False)
        self.norm2 = nn.BatchNorm2d(bn_size * growth_rate)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(bn_size * growth_rate, growth_rate, 3, stride=1, padding=1, bias=False)
        self.drop_rate = float(drop_rate)
        self.memory_efficient = memory_efficient

    def forward(self, input):
        features = [input] if isinstance(input, torch.Tensor) else input
        x = self.conv1(self.relu1(self.norm1(torch.cat(features, 1))))
        x = self.conv2(self.relu2(self.norm2(x)))
        return F.dropout(x, p=self.drop_rate, training=self.training) if self.drop_rate > 0 else x


class _DenseBlock(nn.ModuleDict):
    def __init__(self, num_layers, num_input_features, bn_size, growth_rate, drop_rate, memory_efficient=False):
        super().__init__()
        for i in range(num_layers):
            layer = _DenseLayer(num_input_features + i * growth_rate, growth_rate, bn_size, drop_rate,
                                memory_efficient)
            self.add_module('denselayer%d' % (i + 1), layer)

    def forward(self, init_features):
        features = [init_features]
        for _, layer in self.items():
            features.append(layer(features))
        return torch.cat(features, 1)


class _Transition(nn.Sequential):
    def __init__(self, num_input_features, num_output_features):
        super().__init__()
        self.norm = nn.BatchNorm2d(num_input_features)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(num_input_features, num_output_features, 1, stride=1, bias=False)
        self.pool = nn.AvgPool2d(2, stride=2)


class DenseNet(nn.Module):
    def __init__(self, growth_rate=32, block_config=(6, 12, 24, 16), num_init_features=64, bn_size=4, drop_rate=0,
                 num_classes=1000, memory_efficient=False):
        super().__init__()
        self.features = nn.Sequential()
        self.features.add_module('conv0', nn.Conv2d(3, num_init_features, 7, stride=2, padding=3, bias=False))
        self.features.add_module('norm0', nn.BatchNorm2d(num_init_features))
        self.features.add_module('relu0', nn.ReLU(inplace=True))
        self.features.add_module('pool0', nn.MaxPool2d(3, stride=2, padding=1))
        width = num_init_features
        for i, n in enumerate(block_config):
            block = _DenseBlock(n, width, bn_size, growth_rate, drop_rate, memory_efficient)
            self.features.add_module('denseblock%d' % (i + 1), block)
            width += n * growth_rate
            if i != len(block_config) - 1:
                self.features.add_module('transition%d' % (i + 1), _Transition(width, width // 2))
                width //= 2
        self.features.add_module('norm5', nn.BatchNorm2d(width))
        self.classifier = nn.Linear(width, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight)
            elif isinstance(m, nn.BatchNorm2d):
                nn.init.ones_(m.weight)
                nn.init.zeros_(m.bias)
            elif isinstance(m, nn.Linear):
                nn.init.zeros_(m.bias)

    def forward(self, x):
        x = F.relu(self.features(x), inplace=True)
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


def _densenet(name, growth, blocks, first):
    def build(*, weights=None, **config):
        return DenseNet(growth, blocks, first, **_plain(name, weights, config))
    return build


densenet121 = _densenet('densenet121', 32, (6, 12, 24, 16), 64)
densenet161 = _densenet('densenet161', 48, (6, 12, 36, 24), 96)
densenet169 = _densenet('densenet169', 32, (6, 12, 32, 32), 64)
densenet201 = _densenet('densenet201', 32, (6, 12, 48, 32), 64)


class Fire(nn.Module):
    def __init__(self, inplanes, squeeze_planes, expand1x1_planes, expand3x3_planes):
        super().__init__()
        self.inplanes = inplanes
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, 1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, 1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, 3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.squeeze_activation(self.squeeze(x))
        return torch.cat([self.expand1x1_activation(self.expand1x1(x)),
                          self.expand3x3_activation(self.expand3x3(x))], 1)


class SqueezeNet(nn.Module):
    def __init__(self, version='1_0', num_classes=1000, dropout=0.5):
        super().__init__()
        self.num_classes = num_classes
        pool = lambda: nn.MaxPool2d(3, stride=2, ceil_mode=True)
        fires = [Fire(64 if version == '1_1' else 96, 16, 64, 64), Fire(128, 16, 64, 64), Fire(128, 32, 128, 128),
                 Fire(256, 32, 128, 128), Fire(256, 48, 192, 192), Fire(384, 48, 192, 192), Fire(384, 64, 256, 256),
                 Fire(512, 64, 256, 256)]
        if version == '1_0':
            first = nn.Conv2d(3, 96, 7, stride=2)
            layers = [pool(), *fires[:3], pool(), *fires[3:7], pool(), fires[7]]
        elif version == '1_1':
            first = nn.Conv2d(3, 64, 3, stride=2)
            layers = [pool(), *fires[:2], pool(), *fires[2:4], pool(), *fires[4:]]
        else:
            raise ValueError(f'Unsupported SqueezeNet version {version}: 1_0 or 1_1 expected')
        self.features = nn.Sequential(first, nn.ReLU(inplace=True), *layers)
        final = nn.Conv2d(512, num_classes, 1)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout), final, nn.ReLU(inplace=True),
                                        nn.AdaptiveAvgPool2d((1, 1)))
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                if m is final:
                    nn.init.normal_(m.weight, mean=0.0, std=0.01)
                else:
                    nn.init.kaiming_uniform_(m.weight)
                nn.init.zeros_(m.bias)

    def forward(self, x):
        return torch.flatten(self.classifier(self.features(x)), 1)


def squeezenet1_0(*, weights=None, **config):
    return SqueezeNet('1_0', **_plain('squeezenet1_0', weights, config))


def squeezenet1_1(*, weights=None, **config):
    return SqueezeNet('1_1', **_plain('squeezenet1_1', weights, config))


def _conv_norm(inp, out, kernel_size=3, stride=1, groups=1, norm_layer=None, activation_layer=nn.ReLU, dilation=1):
    from torchvision.ops.misc import Conv2dNormActivation
    return Conv2dNormActivation(inp, out, kernel_size=kernel_size, stride=stride, groups=groups,
                                norm_layer=norm_layer or nn.BatchNorm2d, activation_layer=activation_layer,
                                dilation=dilation)


class InvertedResidual(nn.Module):
    def __init__(self, inp, oup, stride, expand_ratio, norm_layer=None):
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f'stride should be 1 or 2 instead of {stride}')
        self.stride = stride
        norm_layer = norm_layer or nn.BatchNorm2d
        hidden = int(round(inp * expand_ratio))
        self.use_res_connect = stride == 1 and inp == oup
        layers = []
        if expand_ratio != 1:
            layers.append(_conv_norm(inp, hidden, 1, norm_layer=norm_layer, activation_layer=nn.ReLU6))
        layers += [_conv_norm(hidden, hidden, 3, stride, hidden, norm_layer, nn.ReLU6),
                   nn.Conv2d(hidden, oup, 1, 1, 0, bias=False), norm_layer(oup)]
        self.conv = nn.Sequential(*layers)
        self.out_channels = oup
        self._is_cn = stride > 1

    def forward(self, x):
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self, num_classes=1000, width_mult=1.0, inverted_residual_setting=None, round_nearest=8, block=None,
                 norm_layer=None, dropout=0.2):
        super().__init__()
        block = block or InvertedResidual
        norm_layer = norm_layer or nn.BatchNorm2d
        setting = inverted_residual_setting or [
            [1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]]
        width = _make_divisible(32 * width_mult, round_nearest)
        self.last_channel = _make_divisible(1280 * max(1.0, width_mult), round_nearest)
        features = [_conv_norm(3, width, 3, 2, norm_layer=norm_layer, activation_layer=nn.ReLU6)]
        for t, c, n, s in setting:
            out = _make_divisible(c * width_mult, round_nearest)
            for i in range(n):
                features.append(block(width, out, s if i == 0 else 1, expand_ratio=t, norm_layer=norm_layer))
                width = out
        features.append(_conv_norm(width, self.last_channel, 1, norm_layer=norm_layer, activation_layer=nn.ReLU6))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout), nn.Linear(self.last_channel, num_classes))
        _kaiming(self)
        nn.init.normal_(self.classifier[1].weight, 0, 0.01)
        nn.init.zeros_(self.classifier[1].bias)

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(torch.flatten(x, 1))


def mobilenet_v2(*, weights=None, **config):
    return MobileNetV2(**_plain('mobilenet_v2', weights, config))


def _squeeze(inp, squeeze, scale_activation, activation=nn.ReLU):
    from torchvision.ops.misc import SqueezeExcitation
    return SqueezeExcitation(inp, squeeze, activation=activation, scale_activation=scale_activation)


class _V3Block(nn.Module):
    def __init__(self, inp, kernel, hidden, out, se, hs, stride, dilation, norm_layer):
        super().__init__()
        self.use_res_connect = stride == 1 and inp == out
        act = nn.Hardswish if hs else nn.ReLU
        layers = []
        if hidden != inp:
            layers.append(_conv_norm(inp, hidden, 1, norm_layer=norm_layer, activation_layer=act))
        layers.append(_conv_norm(hidden, hidden, kernel, 1 if dilation > 1 else stride, hidden, norm_layer, act, dilation))
        if se:
            layers.append(_squeeze(hidden, _make_divisible(hidden // 4, 8), nn.Hardsigmoid))
        layers.append(_conv_norm(hidden, out, 1, norm_layer=norm_layer, activation_layer=None))
        self.block = nn.Sequential(*layers)
        self.out_channels = out
        self._is_cn = stride > 1

    def forward(self, x):
        return x + self.block(x) if self.use_res_connect else self.block(x)


class MobileNetV3(nn.Module):
    def __init__(self, inverted_residual_setting, last_channel, num_classes=1000, dropout=0.2, dilation=1):
        super().__init__()
        norm = lambda n: nn.BatchNorm2d(n, eps=0.001, momentum=0.01)
        first = inverted_residual_setting[0][0]
        layers = [_conv_norm(3, first, 3, 2, norm_layer=norm, activation_layer=nn.Hardswish)]
        width = first
        for inp, kernel, hidden, out, se, hs, stride, dil in inverted_residual_setting:
            layers.append(_V3Block(inp, kernel, hidden, out, se, hs, stride, dil, norm))
            width = out
        layers.append(_conv_norm(width, 6 * width, 1, norm_layer=norm, activation_layer=nn.Hardswish))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Linear(6 * width, last_channel), nn.Hardswish(inplace=True),
                                        nn.Dropout(p=dropout, inplace=True), nn.Linear(last_channel, num_classes))
        _kaiming(self)
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, 0, 0.01)
                nn.init.zeros_(m.bias)

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def _v3(rows, width_mult, dilation):
    fit = lambda n: _make_divisible(n * width_mult, 8)
    return [(fit(i), k, fit(h), fit(o), se, hs, s, d if d == 1 else dilation) for i, k, h, o, se, hs, s, d in rows]


def mobilenet_v3_large(*, weights=None, width_mult=1.0, reduced_tail=False, dilated=False, **config):
    cut, dil = (2 if reduced_tail else 1), (2 if dilated else 1)
    rows = [(16, 3, 16, 16, False, False, 1, 1), (16, 3, 64, 24, False, False, 2, 1),
            (24, 3, 72, 24, False, False, 1, 1), (24, 5, 72, 40, True, False, 2, 1),
            (40, 5, 120, 40, True, False, 1, 1), (40, 5, 120, 40, True, False, 1, 1),
            (40, 3, 240, 80, False, True, 2, 1), (80, 3, 200, 80, False, True, 1, 1),
            (80, 3, 184, 80, False, True, 1, 1), (80, 3, 184, 80, False, True, 1, 1),
            (80, 3, 480, 112, True, True, 1, 1), (112, 3, 672, 112, True, True, 1, 1),
            (112, 5, 672, 160 // cut, True, True, 2, 2), (160 // cut, 5, 960 // cut, 160 // cut, True, True, 1, 2),
            (160 // cut, 5, 960 // cut, 160 // cut, True, True, 1, 2)]
    last = _make_divisible(1280 // cut * width_mult, 8)
    return MobileNetV3(_v3(rows, width_mult, dil), last, **_plain('mobilenet_v3_large', weights, config))


def mobilenet_v3_small(*, weights=None, width_mult=1.0, reduced_tail=False, dilated=False, **config):
    cut, dil = (2 if reduced_tail else 1), (2 if dilated else 1)
    rows = [(16, 3, 16, 16, True, False, 2, 1), (16, 3, 72, 24, False, False, 2, 1),
            (24, 3, 88, 24, False, False, 1, 1), (24, 5, 96, 40, True, True, 2, 1),
            (40, 5, 240, 40, True, True, 1, 1), (40, 5, 240, 40, True, True, 1, 1),
            (40, 5, 120, 48, True, True, 1, 1), (48, 5, 144, 48, True, True, 1, 1),
            (48, 5, 288, 96 // cut, True, True, 2, 2), (96 // cut, 5, 576 // cut, 96 // cut, True, True, 1, 2),
            (96 // cut, 5, 576 // cut, 96 // cut, True, True, 1, 2)]
    last = _make_divisible(1024 // cut * width_mult, 8)
    return MobileNetV3(_v3(rows, width_mult, dil), last, **_plain('mobilenet_v3_small', weights, config))


class _MBConv(nn.Module):
    def __init__(self, ratio, kernel, stride, inp, out, drop, norm_layer):
        super().__init__()
        from torchvision.ops import StochasticDepth
        self.use_res_connect = stride == 1 and inp == out
        hidden = _make_divisible(inp * ratio, 8)
        layers = []
        if hidden != inp:
            layers.append(_conv_norm(inp, hidden, 1, norm_layer=norm_layer, activation_layer=nn.SiLU))
        layers.append(_conv_norm(hidden, hidden, kernel, stride, hidden, norm_layer, nn.SiLU))
        layers.append(_squeeze(hidden, max(1, inp // 4), nn.Sigmoid, lambda: nn.SiLU(inplace=True)))
        layers.append(_conv_norm(hidden, out, 1, norm_layer=norm_layer, activation_layer=None))
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(drop, 'row')
        self.out_channels = out

    def forward(self, x):
        out = self.block(x)
        return self.stochastic_depth(out) + x if self.use_res_connect else out


class EfficientNet(nn.Module):
    def __init__(self, width_mult, depth_mult, dropout, stochastic_depth_prob=0.2, num_classes=1000, norm_layer=None):
        super().__init__()
        norm_layer = norm_layer or nn.BatchNorm2d
        fit = lambda n: _make_divisible(n * width_mult, 8)
        rows = [(1, 3, 1, 32, 16, 1), (6, 3, 2, 16, 24, 2), (6, 5, 2, 24, 40, 2), (6, 3, 2, 40, 80, 3),
                (6, 5, 1, 80, 112, 3), (6, 5, 2, 112, 192, 4), (6, 3, 1, 192, 320, 1)]
        repeats = [int(math.ceil(row[5] * depth_mult)) for row in rows]
        layers = [_conv_norm(3, fit(32), 3, 2, norm_layer=norm_layer, activation_layer=nn.SiLU)]
        total, done = sum(repeats), 0
        for (ratio, kernel, stride, inp, out, _), repeat in zip(rows, repeats):
            stage = []
            for k in range(repeat):
                drop = stochastic_depth_prob * float(done) / total
                stage.append(_MBConv(ratio, kernel, stride if k == 0 else 1, fit(inp) if k == 0 else fit(out), fit(out),
                                     drop, norm_layer))
                done += 1
            layers.append(nn.Sequential(*stage))
        last = 4 * fit(320)
        layers.append(_conv_norm(fit(320), last, 1, norm_layer=norm_layer, activation_layer=nn.SiLU))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout, inplace=True), nn.Linear(last, num_classes))
        _kaiming(self)
        bound = 1.0 / math.sqrt(num_classes)
        nn.init.uniform_(self.classifier[1].weight, -bound, bound)
        nn.init.zeros_(self.classifier[1].bias)

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def _efficientnet(name, width, depth, dropout, norm=None):
    def build(*, weights=None, **config):
        config = _plain(name, weights, config)
        config.setdefault('norm_layer', norm)
        return EfficientNet(width, depth, config.pop('dropout', dropout), **config)
    return build


efficientnet_b0 = _efficientnet('efficientnet_b0', 1.0, 1.0, 0.2)
efficientnet_b1 = _efficientnet('efficientnet_b1', 1.0, 1.1, 0.2)
efficientnet_b2 = _efficientnet('efficientnet_b2', 1.1, 1.2, 0.3)
efficientnet_b3 = _efficientnet('efficientnet_b3', 1.2, 1.4, 0.3)
efficientnet_b4 = _efficientnet('efficientnet_b4', 1.4, 1.8, 0.4)
_late_norm = lambda n: nn.BatchNorm2d(n, eps=0.001, momentum=0.01)
efficientnet_b5 = _efficientnet('efficientnet_b5', 1.6, 2.2, 0.4, _late_norm)
efficientnet_b6 = _efficientnet('efficientnet_b6', 1.8, 2.6, 0.5, _late_norm)
efficientnet_b7 = _efficientnet('efficientnet_b7', 2.0, 3.1, 0.5, _late_norm)


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class CNBlock(nn.Module):
    def __init__(self, dim, layer_scale, stochastic_depth_prob, norm_layer=None):
        super().__init__()
        from torchvision.ops import Permute, StochasticDepth
        norm_layer = norm_layer or (lambda n: nn.LayerNorm(n, eps=1e-6))
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, 7, padding=3, groups=dim, bias=True), Permute([0, 2, 3, 1]), norm_layer(dim),
            nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim), Permute([0, 3, 1, 2]))
        self.layer_scale = nn.Parameter(torch.ones(dim, 1, 1) * layer_scale)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, 'row')

    def forward(self, x):
        return x + self.stochastic_depth(self.layer_scale * self.block(x))


class ConvNeXt(nn.Module):
    def __init__(self, widths, depths, stochastic_depth_prob=0.0, layer_scale=1e-6, num_classes=1000):
        super().__init__()
        from torchvision.ops.misc import Conv2dNormActivation
        norm = lambda n: LayerNorm2d(n, eps=1e-6)
        layers = [Conv2dNormActivation(3, widths[0], kernel_size=4, stride=4, padding=0, norm_layer=norm,
                                       activation_layer=None, bias=True)]
        total, done = sum(depths), 0
        for k, (width, depth) in enumerate(zip(widths, depths)):
            stage = []
            for _ in range(depth):
                stage.append(CNBlock(width, layer_scale, stochastic_depth_prob * done / (total - 1.0)))
                done += 1
            layers.append(nn.Sequential(*stage))
            if k + 1 < len(widths):
                layers.append(nn.Sequential(norm(width), nn.Conv2d(width, widths[k + 1], 2, stride=2)))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(norm(widths[-1]), nn.Flatten(1), nn.Linear(widths[-1], num_classes))
        for m in self.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(m.weight, std=0.02)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)))


def _convnext(name, widths, depths, drop):
    def build(*, weights=None, **config):
        config = _plain(name, weights, config)
        config.setdefault('stochastic_depth_prob', drop)
        return ConvNeXt(widths, depths, **config)
    return build


convnext_tiny = _convnext('convnext_tiny', (96, 192, 384, 768), (3, 3, 9, 3), 0.1)
convnext_small = _convnext('convnext_small', (96, 192, 384, 768), (3, 3, 27, 3), 0.4)
convnext_base = _convnext('convnext_base', (128, 256, 512, 1024), (3, 3, 27, 3), 0.5)
convnext_large = _convnext('convnext_large', (192, 384, 768, 1536), (3, 3, 27, 3), 0.5)


def channel_shuffle(x, groups):
    n, c, h, w = x.size()
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


class _ShuffleUnit(nn.Module):
    def __init__(self, inp, oup, stride):
        super().__init__()
        self.stride = stride
        half = oup // 2
        deep = lambda n: nn.Conv2d(n, n, 3, stride, 1, bias=False, groups=n)
        if stride > 1:
            self.branch1 = nn.Sequential(deep(inp), nn.BatchNorm2d(inp), nn.Conv2d(inp, half, 1, bias=False),
                                         nn.BatchNorm2d(half), nn.ReLU(inplace=True))
        else:
            self.branch1 = nn.Sequential()
        self.branch2 = nn.Sequential(
            nn.Conv2d(inp if stride > 1 else half, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(inplace=True),
            deep(half), nn.BatchNorm2d(half), nn.Conv2d(half, half, 1, bias=False), nn.BatchNorm2d(half),
            nn.ReLU(inplace=True))

    def forward(self, x):
        if self.stride == 1:
            a, b = x.chunk(2, dim=1)
            out = torch.cat((a, self.branch2(b)), dim=1)
        else:
            out = torch.cat((self.branch1(x), self.branch2(x)), dim=1)
        return channel_shuffle(out, 2)


class ShuffleNetV2(nn.Module):
    def __init__(self, stages_repeats, stages_out_channels, num_classes=1000):
        super().__init__()
        first = stages_out_channels[0]
        self.conv1 = nn.Sequential(nn.Conv2d(3, first, 3, 2, 1, bias=False), nn.BatchNorm2d(first),
                                   nn.ReLU(inplace=True))
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        width = first
        for k, (repeat, out) in enumerate(zip(stages_repeats, stages_out_channels[1:])):
            units = [_ShuffleUnit(width, out, 2)] + [_ShuffleUnit(out, out, 1) for _ in range(repeat - 1)]
            setattr(self, f'stage{k + 2}', nn.Sequential(*units))
            width = out
        last = stages_out_channels[-1]
        self.conv5 = nn.Sequential(nn.Conv2d(width, last, 1, bias=False), nn.BatchNorm2d(last), nn.ReLU(inplace=True))
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x):
        x = self.maxpool(self.conv1(x))
        x = self.conv5(self.stage4(self.stage3(self.stage2(x))))
        return self.fc(x.mean([2, 3]))


def _shufflenet(name, widths):
    def build(*, weights=None, **config):
        return ShuffleNetV2([4, 8, 4], widths, **_plain(name, weights, config))
    return build


shufflenet_v2_x0_5 = _shufflenet('shufflenet_v2_x0_5', [24, 48, 96, 192, 1024])
shufflenet_v2_x1_0 = _shufflenet('shufflenet_v2_x1_0', [24, 116, 232, 464, 1024])
shufflenet_v2_x1_5 = _shufflenet('shufflenet_v2_x1_5', [24, 176, 352, 704, 1024])
shufflenet_v2_x2_0 = _shufflenet('shufflenet_v2_x2_0', [24, 244, 488, 976, 2048])


def _builders():
    return {
        'alexnet': alexnet, 'vgg11': vgg11, 'vgg13': vgg13, 'vgg16': vgg16, 'vgg19': vgg19, 'vgg11_bn': vgg11_bn,
        'vgg13_bn': vgg13_bn, 'vgg16_bn': vgg16_bn, 'vgg19_bn': vgg19_bn, 'resnet18': resnet18, 'resnet34': resnet34,
        'resnet50': resnet50, 'resnet101': resnet101, 'resnet152': resnet152, 'resnext50_32x4d': resnext50_32x4d,
        'resnext101_32x8d': resnext101_32x8d, 'resnext101_64x4d': resnext101_64x4d,
        'wide_resnet50_2': wide_resnet50_2, 'wide_resnet101_2': wide_resnet101_2, 'densenet121': densenet121,
        'densenet161': densenet161, 'densenet169': densenet169, 'densenet201': densenet201,
        'squeezenet1_0': squeezenet1_0, 'squeezenet1_1': squeezenet1_1, 'mobilenet_v2': mobilenet_v2,
        'mobilenet_v3_large': mobilenet_v3_large, 'mobilenet_v3_small': mobilenet_v3_small,
        'efficientnet_b0': efficientnet_b0, 'efficientnet_b1': efficientnet_b1, 'efficientnet_b2': efficientnet_b2,
        'efficientnet_b3': efficientnet_b3, 'efficientnet_b4': efficientnet_b4, 'efficientnet_b5': efficientnet_b5,
        'efficientnet_b6': efficientnet_b6, 'efficientnet_b7': efficientnet_b7, 'convnext_tiny': convnext_tiny,
        'convnext_small': convnext_small, 'convnext_base': convnext_base, 'convnext_large': convnext_large,
        'shufflenet_v2_x0_5': shufflenet_v2_x0_5, 'shufflenet_v2_x1_0': shufflenet_v2_x1_0,
        'shufflenet_v2_x1_5': shufflenet_v2_x1_5, 'shufflenet_v2_x2_0': shufflenet_v2_x2_0,
    }


def get_model(name, **config):
    builders = _builders()
    if name.lower() not in builders:
        _unsupported('unsupported', f"torchvision's model '{name}'")
    return builders[name.lower()](**config)


def list_models(*args, **kwargs):
    return sorted(_builders())
