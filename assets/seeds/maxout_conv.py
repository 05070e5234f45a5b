import torch
import torch.nn as nn


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class Maxout(nn.Module):
    def __init__(self, in_channels, out_channels, pieces, kernel_size, stride):
        super().__init__()
        self.pieces = pieces
        self.out_channels = out_channels
        padding = kernel_size // 2
        self.conv = nn.Conv2d(in_channels, out_channels * pieces, kernel_size, stride, padding)
        self.bn = nn.BatchNorm2d(out_channels * pieces)

    def forward(self, x):
        x = self.bn(self.conv(x))
        n, _, h, w = x.size()
        x = x.view(n, self.out_channels, self.pieces, h, w)
        return x.max(dim=2)[0]


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.layer1 = Maxout(in_shape[1], 16, 2, 5, 2)
        self.layer2 = Maxout(16, 32, 2, 3, 2)
        self.layer3 = Maxout(32, 64, 2, 3, 1)
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(prm['dropout'])
        side = (in_shape[2] // 8) * (in_shape[3] // 8)
        self.fc = nn.Linear(64 * side, out_shape[0])

    def forward(self, x):
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.pool(self.layer3(x))
        x = self.dropout(x.flatten(1))
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
            nn.utils.clip_grad_norm_(self.parameters(), max_norm=2.0)
            self.optimizer.step()
