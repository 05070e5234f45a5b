import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class ConvBN(nn.Module):
    def __init__(self, in_channels, out_channels, **kwargs):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **kwargs)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    def __init__(self, in_channels, c1, r3, c3, r5, c5, pool):
        super().__init__()
        self.branch1 = ConvBN(in_channels, c1, kernel_size=1)
        self.branch2 = nn.Sequential(ConvBN(in_channels, r3, kernel_size=1), ConvBN(r3, c3, kernel_size=3, padding=1))
        self.branch3 = nn.Sequential(ConvBN(in_channels, r5, kernel_size=1), ConvBN(r5, c5, kernel_size=5, padding=2))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), ConvBN(in_channels, pool, kernel_size=1))

    def forward(self, x):
        outputs = [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)]
        return torch.cat(outputs, 1)


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.stem = ConvBN(in_shape[1], 24, kernel_size=3, stride=2, padding=1)
        self.inception1 = Inception(24, 16, 12, 24, 4, 8, 8)
        self.inception2 = Inception(56, 24, 16, 40, 8, 16, 16)
        self.inception3 = Inception(96, 32, 24, 64, 8, 16, 16)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(prm['dropout'])
        self.fc = nn.Linear(128, out_shape[0])

    def forward(self, x):
        x = self.stem(x)
        x = self.pool(self.inception1(x))
        x = self.pool(self.inception2(x))
        x = self.gap(self.inception3(x))
        x = self.drop(torch.flatten(x, 1))
        return self.fc(x)

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
            self.optimizer.step()
