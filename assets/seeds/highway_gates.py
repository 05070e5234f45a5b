import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class HighwayConv(nn.Module):
    def __init__(self, channels, bias):
        super().__init__()
        self.transform = nn.Conv2d(channels, channels, 3, padding=1)
        self.gate = nn.Conv2d(channels, channels, 1)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.constant_(self.gate.bias, bias)

    def forward(self, x):
        h = F.relu(self.norm(self.transform(x)))
        t = torch.sigmoid(self.gate(x))
        return t * h + (1 - t) * x


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.conv1 = nn.Conv2d(in_shape[1], 24, 5, stride=2, padding=2)
        self.bn1 = nn.BatchNorm2d(24)
        self.highway1 = nn.Sequential(HighwayConv(24, -1.0), HighwayConv(24, -1.0))
        self.conv2 = nn.Conv2d(24, 48, 3, stride=2, padding=1)
        self.bn2 = nn.BatchNorm2d(48)
        self.highway2 = nn.Sequential(HighwayConv(48, -2.0), HighwayConv(48, -2.0))
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.dropout = nn.Dropout(prm['dropout'])
        self.fc = nn.Linear(48 * 4, out_shape[0])

    def forward(self, x):
        x = self.highway1(F.relu(self.bn1(self.conv1(x))))
        x = self.highway2(F.relu(self.bn2(self.conv2(x))))
        x = self.pool(x)
        x = x.reshape(x.shape[0], -1)
        return self.fc(self.dropout(x))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.parameters(), lr=prm['lr'], momentum=prm['momentum'])

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.criterion(self(inputs), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(self.parameters(), 1.0)
            self.optimizer.step()
