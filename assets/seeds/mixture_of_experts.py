import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class Expert(nn.Module):
    def __init__(self, channels, hidden, kernel_size):
        super().__init__()
        self.conv = nn.Conv2d(channels, hidden, kernel_size, padding=kernel_size // 2, bias=False)
        self.bn = nn.BatchNorm2d(hidden)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.stem = nn.Sequential(
            nn.Conv2d(in_shape[1], 16, 3, stride=2, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
        )
        self.experts = nn.ModuleList([Expert(32, 48, k) for k in (1, 3, 3, 5)])
        self.router = nn.Linear(32, len(self.experts))
        self.dropout = nn.Dropout(prm['dropout'])
        self.fc = nn.Linear(48, out_shape[0])

    def forward(self, x):
        x = self.stem(x)
        weights = torch.softmax(self.router(x.mean(dim=(2, 3))), dim=1)
        mixed = 0
        for index, expert in enumerate(self.experts):
            gate = weights[:, index].view(-1, 1, 1, 1)
            mixed = mixed + gate * expert(x)
        pooled = F.adaptive_max_pool2d(mixed, 1).flatten(1)
        return self.fc(self.dropout(pooled))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.05).to(self.device)
        self.optimizer = torch.optim.Adam(
            self.parameters(), lr=prm['lr'] * 0.1, betas=(prm['momentum'], 0.999), weight_decay=1e-4
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
