import torch
import torch.nn as nn


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.body = nn.Sequential()
        channels = in_shape[1]
        for index, width in enumerate([16, 32, 64, 96]):
            self.body.add_module(f'conv{index}', nn.Conv2d(channels, width, 3, padding=1, bias=False))
            self.body.add_module(f'norm{index}', nn.BatchNorm2d(width))
            self.body.add_module(f'act{index}', nn.SELU())
            self.body.add_module(f'pool{index}', nn.MaxPool2d(2))
            channels = width
        self.avg = nn.AdaptiveAvgPool2d(1)
        self.max = nn.AdaptiveMaxPool2d(1)
        self.head = nn.Sequential(
            nn.BatchNorm1d(2 * channels),
            nn.Dropout(prm['dropout']),
            nn.Linear(2 * channels, 96),
            nn.SELU(),
            nn.BatchNorm1d(96),
            nn.Linear(96, out_shape[0]),
        )

    def forward(self, x):
        x = self.body(x)
        x = torch.cat([self.avg(x), self.max(x)], dim=1).flatten(1)
        return self.head(x)

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.1).to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.parameters(), lr=prm['lr'] * 0.1, betas=(prm['momentum'], 0.999), weight_decay=1e-3
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
