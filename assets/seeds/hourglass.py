import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.enc1 = self.unit(in_shape[1], 16)
        self.enc2 = self.unit(16, 32)
        self.enc3 = self.unit(32, 64)
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ConvTranspose2d(64, 32, kernel_size=2, stride=2)
        self.dec = self.unit(64, 48)
        self.dropout = nn.Dropout2d(prm['dropout'])
        self.fc = nn.Linear(64 + 48, out_shape[0])

    @staticmethod
    def unit(in_channels, out_channels):
        return nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        e1 = self.pool(self.enc1(x))
        e2 = self.pool(self.enc2(e1))
        e3 = self.pool(self.enc3(e2))
        d = self.up(e3)
        d = self.dec(torch.cat([d, e2], dim=1))
        low = F.adaptive_avg_pool2d(self.dropout(e3), 1)
        high = F.adaptive_avg_pool2d(d, 1)
        return self.fc(torch.cat([low, high], dim=1).flatten(1))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(
            self.parameters(), lr=prm['lr'] * 0.1, betas=(prm['momentum'], 0.999)
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
