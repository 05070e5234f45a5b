import torch
import torch.nn as nn


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class GhostConv(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size=1, stride=1):
        super().__init__()
        half = out_channels // 2
        self.primary = nn.Sequential(
            nn.Conv2d(in_channels, half, kernel_size, stride, kernel_size // 2, bias=False),
            nn.BatchNorm2d(half),
            nn.SiLU(inplace=True),
        )
        self.cheap = nn.Sequential(
            nn.Conv2d(half, half, 3, padding=1, groups=half, bias=False),
            nn.BatchNorm2d(half),
            nn.SiLU(inplace=True),
        )

    def forward(self, x):
        first = self.primary(x)
        second = self.cheap(first)
        return torch.cat([first, second], dim=1)


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.body = nn.Sequential(
            GhostConv(in_shape[1], 24, 3, 2),
            GhostConv(24, 32, 3, 1),
            GhostConv(32, 64, 3, 2),
            GhostConv(64, 96, 3, 1),
            nn.MaxPool2d(2),
            GhostConv(96, 160, 3, 1),
        )
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Linear(160, 96)
        self.fc2 = nn.Linear(96, out_shape[0])
        self.dropout = nn.Dropout(prm['dropout'])

    def forward(self, x):
        x = self.gap(self.body(x)).flatten(1)
        x = self.dropout(torch.nn.functional.silu(self.fc1(x)))
        return self.fc2(x)

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(
            self.parameters(), lr=prm['lr'], momentum=prm['momentum'], weight_decay=5e-5
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
