import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'momentum'}


class CoordinateGate(nn.Module):
    def __init__(self, channels, hidden):
        super().__init__()
        self.shared = nn.Conv2d(channels, hidden, 1)
        self.bn = nn.BatchNorm2d(hidden)
        self.to_h = nn.Conv2d(hidden, channels, 1)
        self.to_w = nn.Conv2d(hidden, channels, 1)

    def forward(self, x):
        h, w = x.size(2), x.size(3)
        along_h = x.mean(dim=3, keepdim=True)
        along_w = x.mean(dim=2, keepdim=True).permute(0, 1, 3, 2)
        y = torch.cat([along_h, along_w], dim=2)
        y = F.hardswish(self.bn(self.shared(y)))
        part_h, part_w = torch.split(y, [h, w], dim=2)
        gate_h = self.to_h(part_h).sigmoid()
        gate_w = self.to_w(part_w.permute(0, 1, 3, 2)).sigmoid()
        return x * gate_h * gate_w


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.conv1 = nn.Conv2d(in_shape[1], 24, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(24)
        self.gate1 = CoordinateGate(24, 8)
        self.conv2 = nn.Conv2d(24, 48, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(48)
        self.gate2 = CoordinateGate(48, 12)
        self.conv3 = nn.Conv2d(48, 96, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(96)
        self.act = nn.Hardswish()
        self.fc = nn.Linear(96, out_shape[0])

    def forward(self, x):
        x = self.gate1(self.act(self.bn1(self.conv1(x))))
        x = self.gate2(self.act(self.bn2(self.conv2(x))))
        x = self.act(self.bn3(self.conv3(x)))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(
            self.parameters(), lr=prm['lr'], momentum=prm['momentum'], weight_decay=1e-4
        )

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            outputs = self(inputs)
            loss = self.criterion(outputs, labels)
            loss.backward()
            self.optimizer.step()
