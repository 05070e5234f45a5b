import torch
import torch.nn as nn


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class Unit(nn.Module):
    def __init__(self, channels_in, channels_out, drop):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(channels_out)
        self.drop = nn.Dropout2d(drop)

    def forward(self, x):
        return self.drop(torch.relu(self.bn(self.conv(x))))


class Fractal(nn.Module):
    def __init__(self, depth, channels_in, channels_out, drop):
        super().__init__()
        self.shallow = Unit(channels_in, channels_out, drop)
        if depth > 1:
            self.deep = nn.Sequential(
                Fractal(depth - 1, channels_in, channels_out, drop),
                Fractal(depth - 1, channels_out, channels_out, drop),
            )
        else:
            self.deep = None

    def forward(self, x):
        if self.deep is None:
            return self.shallow(x)
        return 0.5 * (self.shallow(x) + self.deep(x))


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        drop = prm['dropout'] * 0.5
        self.stem = nn.Sequential(nn.Conv2d(in_shape[1], 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU())
        self.stage1 = Fractal(2, 16, 24, drop)
        self.stage2 = Fractal(3, 24, 32, drop)
        self.stage3 = Fractal(2, 32, 64, drop)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(64, out_shape[0])

    def forward(self, x):
        x = self.stage1(self.stem(x))
        x = self.stage2(self.pool(x))
        x = self.stage3(self.pool(x))
        x = x.mean(dim=(2, 3))
        return self.fc(x)

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
