import torch
import torch.nn as nn


def supported_hyperparameters():
    return {'lr', 'momentum'}


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(self, inplanes, planes, stride=1):
        super(Bottleneck, self).__init__()
        outplanes = planes * self.expansion
        self.reduce = nn.Sequential(nn.Conv2d(inplanes, planes, 1, bias=False), nn.BatchNorm2d(planes))
        self.spatial = nn.Sequential(nn.Conv2d(planes, planes, 3, stride, 1, bias=False), nn.BatchNorm2d(planes))
        self.expand = nn.Sequential(nn.Conv2d(planes, outplanes, 1, bias=False), nn.BatchNorm2d(outplanes))
        self.relu = nn.ReLU(inplace=True)
        if stride != 1 or inplanes != outplanes:
            self.downsample = nn.Sequential(
                nn.Conv2d(inplanes, outplanes, 1, stride, bias=False), nn.BatchNorm2d(outplanes)
            )
        else:
            self.downsample = nn.Identity()

    def forward(self, x):
        out = self.relu(self.reduce(x))
        out = self.relu(self.spatial(out))
        out = self.expand(out)
        return self.relu(out + self.downsample(x))


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super(Net, self).__init__()
        self.device = device
        self.inplanes = 16
        self.stem = nn.Sequential(
            nn.Conv2d(in_shape[1], 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)
        )
        self.stage1 = self._stage(16, 2, 1)
        self.stage2 = self._stage(24, 2, 2)
        self.stage3 = self._stage(32, 2, 2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(32 * Bottleneck.expansion, out_shape[0])

    def _stage(self, planes, count, stride):
        layers = [Bottleneck(self.inplanes, planes, stride)]
        self.inplanes = planes * Bottleneck.expansion
        for _ in range(1, count):
            layers.append(Bottleneck(self.inplanes, planes))
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.stem(x)
        x = self.stage3(self.stage2(self.stage1(x)))
        x = self.avgpool(x)
        x = x.view(x.size(0), -1)
        return self.fc(x)

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
        self.optimizer = torch.optim.SGD(self.parameters(), lr=prm['lr'], momentum=prm['momentum'])

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.criterion(self(inputs), labels)
            loss.backward()
            self.optimizer.step()
