import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class Factorised(nn.Module):
    def __init__(self, in_channels, out_channels, length):
        super().__init__()
        pad = length // 2
        self.vertical = nn.Conv2d(in_channels, out_channels, (length, 1), padding=(pad, 0), bias=False)
        self.horizontal = nn.Conv2d(out_channels, out_channels, (1, length), padding=(0, pad), bias=False)
        self.bn = nn.BatchNorm2d(out_channels)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.act(self.bn(self.horizontal(self.vertical(x))))


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.layer1 = Factorised(in_shape[1], 16, 7)
        self.layer2 = Factorised(16, 32, 5)
        self.layer3 = Factorised(32, 64, 5)
        self.layer4 = Factorised(64, 96, 3)
        self.pool = nn.MaxPool2d(kernel_size=2)
        self.dropout = nn.Dropout(prm['dropout'])
        self.fc = nn.Linear(96 * 2 * 2, out_shape[0])

    def forward(self, x):
        for layer in (self.layer1, self.layer2, self.layer3):
            x = self.pool(layer(x))
        x = self.layer4(x)
        x = F.adaptive_avg_pool2d(x, (2, 2))
        x = x.view(-1, 96 * 4)
        return self.fc(self.dropout(x))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.parameters(), lr=prm['lr'], momentum=prm['momentum'])

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            outputs = self(inputs)
            loss = self.criterion(outputs, labels)
            loss.backward()
            self.optimizer.step()
