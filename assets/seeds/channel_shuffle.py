import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'momentum'}


class ShuffleUnit(nn.Module):
    def __init__(self, in_channels, out_channels, stride, groups):
        super().__init__()
        self.groups = groups
        self.stride = stride
        branch = out_channels - in_channels if stride == 2 else out_channels
        middle = out_channels // 2
        self.conv1 = nn.Conv2d(in_channels, middle, 1, groups=groups, bias=False)
        self.bn1 = nn.BatchNorm2d(middle)
        self.conv2 = nn.Conv2d(middle, middle, 3, stride, 1, groups=middle, bias=False)
        self.bn2 = nn.BatchNorm2d(middle)
        self.conv3 = nn.Conv2d(middle, branch, 1, groups=groups, bias=False)
        self.bn3 = nn.BatchNorm2d(branch)

    def shuffle(self, x):
        n, c, h, w = x.shape
        x = x.reshape(n, self.groups, c // self.groups, h, w)
        x = x.transpose(1, 2)
        return x.reshape(n, c, h, w)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(self.shuffle(out)))
        out = self.bn3(self.conv3(out))
        if self.stride == 2:
            return F.relu(torch.cat([F.avg_pool2d(x, 2), out], dim=1))
        return F.relu(out + x)


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        groups = 4
        self.stem = nn.Sequential(nn.Conv2d(in_shape[1], 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        self.stage1 = nn.Sequential(ShuffleUnit(32, 96, 2, groups), ShuffleUnit(96, 96, 1, groups))
        self.stage2 = nn.Sequential(ShuffleUnit(96, 192, 2, groups), ShuffleUnit(192, 192, 1, groups))
        self.fc = nn.Linear(192, out_shape[0])

    def forward(self, x):
        x = self.stage2(self.stage1(self.stem(x)))
        x = x.mean(dim=(2, 3))
        return self.fc(x)

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(
            self.parameters(), lr=prm['lr'], momentum=prm['momentum'], weight_decay=4e-5
        )

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.criterion(self(inputs), labels)
            loss.backward()
            self.optimizer.step()
