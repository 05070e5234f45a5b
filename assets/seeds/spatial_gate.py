import torch
import torch.nn as nn


def supported_hyperparameters():
    return {'lr'}


class ChannelGate(nn.Module):
    def __init__(self, channels, reduction):
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(channels, channels // reduction),
            nn.ReLU(),
            nn.Linear(channels // reduction, channels),
        )

    def forward(self, x):
        avg = self.mlp(x.mean(dim=(2, 3)))
        top = self.mlp(x.amax(dim=(2, 3)))
        scale = torch.sigmoid(avg + top).unsqueeze(-1).unsqueeze(-1)
        return x * scale


class SpatialGate(nn.Module):
    def __init__(self, kernel_size=7):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, x):
        avg = torch.mean(x, dim=1, keepdim=True)
        top, _ = torch.max(x, dim=1, keepdim=True)
        return x * torch.sigmoid(self.conv(torch.cat([avg, top], dim=1)))


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        stages = []
        channels = in_shape[1]
        for width in (20, 40, 80):
            stages.append(nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False))
            stages.append(nn.BatchNorm2d(width))
            stages.append(nn.ReLU(inplace=True))
            stages.append(nn.Conv2d(width, width, 3, padding=1, bias=False))
            stages.append(nn.BatchNorm2d(width))
            stages.append(nn.ReLU(inplace=True))
            stages.append(ChannelGate(width, 4))
            stages.append(SpatialGate(5))
            channels = width
        self.stages = nn.Sequential(*stages)
        self.fc = nn.Linear(channels, out_shape[0])

    def forward(self, x):
        x = self.stages(x)
        return self.fc(x.mean(dim=(2, 3)))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.parameters(), lr=prm['lr'] * 0.1)

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.criterion(self(inputs), labels)
            loss.backward()
            self.optimizer.step()
