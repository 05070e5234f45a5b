import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'momentum'}


class PartialStage(nn.Module):
    def __init__(self, channels, depth):
        super().__init__()
        half = channels // 2
        self.blocks = nn.ModuleList()
        for _ in range(depth):
            self.blocks.append(
                nn.Sequential(nn.Conv2d(half, half, 3, padding=1, bias=False), nn.BatchNorm2d(half), nn.Hardswish())
            )
        self.merge = nn.Sequential(nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x):
        keep, work = x.chunk(2, dim=1)
        for block in self.blocks:
            work = work + block(work)
        return F.hardswish(self.merge(torch.cat((keep, work), dim=1)))


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        widths = (32, 64, 96)
        depths = (1, 2, 2)
        layers = []
        channels = in_shape[1]
        for width, depth in zip(widths, depths):
            layers.append(nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False))
            layers.append(nn.BatchNorm2d(width))
            layers.append(PartialStage(width, depth))
            channels = width
        self.layers = nn.Sequential(*layers)
        self.fc = nn.Linear(channels, out_shape[0])

    def forward(self, x):
        x = self.layers(x)
        return self.fc(x.mean(dim=(-2, -1)))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
        self.optimizer = torch.optim.SGD(
            self.parameters(), lr=prm['lr'], momentum=prm['momentum'], weight_decay=5e-4
        )

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.criterion(self(inputs), labels)
            loss.backward()
            self.optimizer.step()
