import math
from collections import OrderedDict
from functools import partial
from typing import List, Optional, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {"lr", "momentum", "dropout"}


def divisible(v: float, by: int = 8, low: Optional[int] = None) -> int:
    low = low or by
    new = max(low, int(v + by / 2) // by * by)
    return new + by if new < 0.9 * v else new


class Unit(nn.Sequential):
    def __init__(self, c_in, c_out, k=3, stride=1, *, act=nn.ReLU, norm=partial(nn.BatchNorm2d, eps=1e-3), **extra):
        layers: List[nn.Module] = [nn.Conv2d(c_in, c_out, k, stride, (k - 1) // 2, bias=norm is None, **extra)]
        if norm is not None:
            layers += [norm(c_out)]
        if act:
            layers.append(act(inplace=True))
        super().__init__(*layers)
        self.out_channels = c_out


class Gate(nn.Module):
    def __init__(self, channels, ratio=4):
        super(Gate, self).__init__()
        inner = divisible(channels / ratio)
        self.fc = nn.Sequential(OrderedDict([("down", nn.Linear(channels, inner)), ("act", nn.SiLU()), ("up", nn.Linear(inner, channels))]))

    def forward(self, x):
        b, c, *_ = x.shape
        s = F.adaptive_avg_pool2d(x, 1).view(b, c)
        return x * torch.sigmoid(self.fc(s)).view(b, c, 1, 1)


class Block(nn.Module):
    count = 0

    def __init__(self, c_in, c_out, stride=1, gated=True):
        super().__init__()
        Block.count += 1
        self.left = Unit(c_in, c_out, stride=stride)
        self.right = Unit(c_out, c_out, groups=c_out if c_out % 8 == 0 else 1, act=None)
        self.gate = Gate(c_out) if gated else nn.Identity()
        self.skip = nn.Identity() if stride == 1 and c_in == c_out else Unit(c_in, c_out, 1, stride, act=None)
        self.scale = nn.Parameter(torch.ones(1, c_out, 1, 1) * 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.gate(self.right(self.left(x)))
        return F.relu(y * self.scale + self.skip(x))


class Net(nn.Module):
    def __init__(self, in_shape: Tuple[int, ...], out_shape: Tuple[int, ...], prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        widths = {f"stage{i}": 16 * 2 ** i for i in range(3)}
        self.stem = Unit(in_shape[1], 16)
        self.stages = nn.ModuleDict()
        c = 16
        for i, (name, w) in enumerate(widths.items(), start=1):
            blocks = [Block(c if j == 0 else w, w, stride=2 if j == 0 and i > 1 else 1, gated=bool(j % 2)) for j in range(2)]
            self.stages[name] = nn.Sequential(*blocks)
            c = w
        self.drop = nn.Dropout(float(prm.get("dropout", 0.2)))
        self.head = nn.Linear(c, out_shape[0])
        self._init()

    def _init(self):
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                fan = m.kernel_size[0] * m.kernel_size[1] * m.out_channels
                nn.init.normal_(m.weight, 0, math.sqrt(2.0 / fan))
            elif isinstance(m, (nn.BatchNorm2d, nn.LayerNorm)):
                nn.init.ones_(m.weight)
                nn.init.zeros_(m.bias)

    def forward(self, x):
        x = self.stem(x)
        for name, stage in self.stages.items():
            x = stage(x)
            try:
                assert x.dim() == 4, f"{name}: {tuple(x.shape)}"
            except AssertionError as e:
                raise ValueError(str(e)) from e
        x = torch.cat([x[:, ::2], x[:, 1::2]], dim=1).mean((2, 3))
        return self.head(self.drop(x))

    def train_setup(self, prm):
        self.to(self.device)
        self.criteria = (nn.CrossEntropyLoss().to(self.device),)
        self.optimizer = torch.optim.SGD(self.parameters(), lr=prm["lr"], momentum=prm["momentum"])

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.criteria[0](self(inputs), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(self.parameters(), 3)
            self.optimizer.step()
