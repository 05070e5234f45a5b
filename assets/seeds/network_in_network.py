import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device

        def mlpconv(in_channels, channels, kernel_size, stride):
            return nn.Sequential(
                nn.Conv2d(in_channels, channels[0], kernel_size, stride=stride, padding=kernel_size // 2),
                nn.BatchNorm2d(channels[0]),
                nn.ReLU(inplace=True),
                nn.Conv2d(channels[0], channels[1], 1),
                nn.BatchNorm2d(channels[1]),
                nn.ReLU(inplace=True),
                nn.Conv2d(channels[1], channels[2], 1),
                nn.BatchNorm2d(channels[2]),
                nn.ReLU(inplace=True),
            )

        self.block1 = mlpconv(in_shape[1], (24, 24, 24), 5, 2)
        self.block2 = mlpconv(24, (48, 48, 48), 5, 2)
        self.block3 = mlpconv(48, (64, 64, 64), 3, 1)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.dropout = nn.Dropout(prm['dropout'])
        self.logits = nn.Conv2d(64, out_shape[0], 1)

    def forward(self, x):
        x = self.block1(x)
        x = self.block2(x)
        x = self.dropout(self.pool(x))
        x = self.logits(self.block3(x))
        return F.adaptive_avg_pool2d(x, 1).squeeze(-1).squeeze(-1)

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
