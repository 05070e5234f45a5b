import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'momentum'}


class SelectiveKernel(nn.Module):
    def __init__(self, channels, reduction=4):
        super().__init__()
        self.small = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, groups=4, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )
        self.large = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=2, dilation=2, groups=4, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        )
        self.squeeze = nn.Linear(channels, channels // reduction)
        self.select = nn.Linear(channels // reduction, channels * 2)

    def forward(self, x):
        branches = torch.stack([self.small(x), self.large(x)], dim=1)
        summary = branches.sum(dim=1).mean(dim=(2, 3))
        scores = self.select(F.relu(self.squeeze(summary)))
        weights = F.softmax(scores.view(x.size(0), 2, -1), dim=1)
        return (branches * weights[:, :, :, None, None]).sum(dim=1)


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.stem = nn.Sequential(nn.Conv2d(in_shape[1], 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU())
        self.sk1 = SelectiveKernel(32)
        self.down1 = nn.Conv2d(32, 64, 2, stride=2)
        self.sk2 = SelectiveKernel(64)
        self.down2 = nn.Conv2d(64, 128, 2, stride=2)
        self.sk3 = SelectiveKernel(128)
        self.fc = nn.Linear(128, out_shape[0])

    def forward(self, x):
        x = self.stem(x)
        x = self.sk1(x) + x
        x = self.down1(x)
        x = self.sk2(x) + x
        x = self.sk3(self.down2(x))
        return self.fc(x.mean(dim=(2, 3)))

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
            loss = self.criterion(self(inputs), labels)
            loss.backward()
            self.optimizer.step()
