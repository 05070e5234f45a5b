import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'momentum'}


class ContextBlock(nn.Module):
    def __init__(self, channels, dilations):
        super().__init__()
        self.convs = nn.ModuleList([
            nn.Conv2d(channels, channels, 3, padding=d, dilation=d, bias=False) for d in dilations
        ])
        self.norms = nn.ModuleList([nn.BatchNorm2d(channels) for _ in dilations])

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms):
            x = F.leaky_relu(norm(conv(x)), 0.1) + x
        return x


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.stem = nn.Sequential(
            nn.Conv2d(in_shape[1], 32, 4, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(32, 48, 4, stride=2, padding=1),
            nn.BatchNorm2d(48),
            nn.LeakyReLU(0.1),
        )
        self.context = ContextBlock(48, [1, 2, 4])
        self.mask = nn.Conv2d(48, 1, 1)
        self.fc = nn.Linear(48, out_shape[0])

    def forward(self, x):
        x = self.context(self.stem(x))
        weights = torch.softmax(self.mask(x).flatten(2), dim=2)
        pooled = (x.flatten(2) * weights).sum(dim=2)
        return self.fc(pooled)

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(
            self.parameters(), lr=prm['lr'] * 0.1, betas=(prm['momentum'], 0.999), weight_decay=1e-5
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
