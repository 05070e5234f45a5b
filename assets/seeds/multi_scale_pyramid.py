import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr'}


class ConvUnit(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.block(x)


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.down1 = ConvUnit(in_shape[1], 16, 2)
        self.down2 = ConvUnit(16, 32, 2)
        self.down3 = ConvUnit(32, 64, 2)
        self.lateral1 = nn.Conv2d(16, 24, 1)
        self.lateral2 = nn.Conv2d(32, 24, 1)
        self.lateral3 = nn.Conv2d(64, 24, 1)
        self.fuse = ConvUnit(72, 64)
        self.head = nn.Linear(64, out_shape[0])

    def forward(self, x):
        p1 = self.down1(x)
        p2 = self.down2(p1)
        p3 = self.down3(p2)
        size = p2.shape[2:]
        a = F.max_pool2d(self.lateral1(p1), 2)
        b = self.lateral2(p2)
        c = F.interpolate(self.lateral3(p3), size=size, mode='nearest')
        merged = self.fuse(torch.cat([a, b, c], dim=1))
        pooled = F.adaptive_avg_pool2d(merged, 1).flatten(1)
        return self.head(pooled)

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss().to(self.device)
        self.optimizer = torch.optim.AdamW(self.parameters(), lr=prm['lr'] * 0.1, weight_decay=5e-4)

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.criterion(self(inputs), labels)
            loss.backward()
            self.optimizer.step()
