import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class DropBranch(nn.Module):
    def __init__(self, channels, rate):
        super().__init__()
        self.branch = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.PReLU(channels),
            nn.Conv2d(channels, channels, 3, padding=1),
        )
        self.rate = rate

    def forward(self, x):
        update = F.dropout2d(self.branch(x), p=self.rate, training=self.training)
        return x + update


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        total = 6
        rates = [prm['dropout'] * (i + 1) / total for i in range(total)]
        self.stem = nn.Conv2d(in_shape[1], 16, 3, stride=2, padding=1)
        self.group1 = nn.Sequential(*[DropBranch(16, r) for r in rates[:2]])
        self.reduce1 = nn.Conv2d(16, 32, 2, stride=2)
        self.group2 = nn.Sequential(*[DropBranch(32, r) for r in rates[2:4]])
        self.reduce2 = nn.Conv2d(32, 64, 2, stride=2)
        self.group3 = nn.Sequential(*[DropBranch(64, r) for r in rates[4:]])
        self.bn = nn.BatchNorm2d(64)
        self.fc = nn.Linear(64, out_shape[0])

    def forward(self, x):
        x = self.group1(self.stem(x))
        x = self.group2(self.reduce1(x))
        x = self.group3(self.reduce2(x))
        x = F.relu(self.bn(x))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss()
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
            nn.utils.clip_grad_norm_(self.parameters(), 5.0)
            self.optimizer.step()
