import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class RecurrentConv(nn.Module):
    def __init__(self, channels, steps):
        super().__init__()
        self.steps = steps
        self.feed = nn.Conv2d(channels, channels, 1, bias=False)
        self.recur = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(channels) for _ in range(steps + 1)])

    def forward(self, x):
        drive = self.feed(x)
        state = F.relu(self.norms[0](drive))
        for step in range(self.steps):
            state = F.relu(self.norms[step + 1](drive + self.recur(state)))
        return state


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.stem = nn.Sequential(
            nn.Conv2d(in_shape[1], 32, 5, stride=2, padding=2), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.rcl1 = RecurrentConv(32, 3)
        self.widen = nn.Conv2d(32, 64, 1)
        self.rcl2 = RecurrentConv(64, 2)
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(prm['dropout'])
        self.fc = nn.Linear(64, out_shape[0])

    def forward(self, x):
        x = self.rcl1(self.stem(x))
        x = self.dropout(self.pool(self.widen(x)))
        x = self.rcl2(x)
        x = F.adaptive_max_pool2d(x, 1)
        return self.fc(torch.flatten(x, 1))

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
