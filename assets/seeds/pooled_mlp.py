import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'dropout'}


class ResidualMLP(nn.Module):
    def __init__(self, width, dropout):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.fc = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return x + self.dropout(F.gelu(self.fc(self.norm(x))))


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.filters = nn.Conv2d(in_shape[1], 16, 5, stride=2, padding=2)
        self.pool = nn.AvgPool2d(2)
        features = 16 * (in_shape[2] // 4) * (in_shape[3] // 4)
        self.project = nn.Linear(features, 192)
        self.body = nn.Sequential(*[ResidualMLP(192, prm['dropout']) for _ in range(4)])
        self.output = nn.Linear(192, out_shape[0])

    def forward(self, x):
        x = torch.tanh(self.filters(x))
        x = self.pool(x).flatten(start_dim=1)
        x = F.gelu(self.project(x))
        return self.output(self.body(x))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss().to(self.device)
        self.optimizer = torch.optim.Adam(self.parameters(), lr=prm['lr'] * 0.1, weight_decay=1e-4)

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.criterion(self(inputs), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(self.parameters(), 1.0)
            self.optimizer.step()
