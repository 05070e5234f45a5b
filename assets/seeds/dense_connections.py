import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'momentum'}


class DenseLayer(nn.Module):
    def __init__(self, channels, growth):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, growth, kernel_size=3, padding=1, bias=False)

    def forward(self, x):
        new = self.conv(F.relu(self.norm(x)))
        return torch.cat([x, new], dim=1)


class Transition(nn.Module):
    def __init__(self, channels, out_channels):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, out_channels, kernel_size=1, bias=False)

    def forward(self, x):
        return F.avg_pool2d(self.conv(F.relu(self.norm(x))), 2)


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        growth = 12
        channels = 2 * growth
        self.stem = nn.Conv2d(in_shape[1], channels, kernel_size=3, stride=2, padding=1, bias=False)
        self.stages = nn.ModuleList()
        for stage in range(3):
            layers = []
            for _ in range(4):
                layers.append(DenseLayer(channels, growth))
                channels += growth
            if stage < 2:
                layers.append(Transition(channels, channels // 2))
                channels = channels // 2
            self.stages.append(nn.Sequential(*layers))
        self.norm = nn.BatchNorm2d(channels)
        self.fc = nn.Linear(channels, out_shape[0])

    def forward(self, x):
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        x = F.relu(self.norm(x))
        x = F.adaptive_avg_pool2d(x, (1, 1))
        return self.fc(torch.flatten(x, 1))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(
            self.parameters(), lr=prm['lr'], momentum=prm['momentum'], weight_decay=1e-4, nesterov=True
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
