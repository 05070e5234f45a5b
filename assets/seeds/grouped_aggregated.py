import torch
import torch.nn as nn


def supported_hyperparameters():
    return {'lr', 'momentum'}


class AggregatedBlock(nn.Module):
    def __init__(self, in_channels, out_channels, cardinality, width, stride):
        super().__init__()
        inner = cardinality * width
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, inner, 1, bias=False),
            nn.BatchNorm2d(inner),
            nn.LeakyReLU(negative_slope=0.05),
            nn.Conv2d(inner, inner, 3, stride=stride, padding=1, groups=cardinality, bias=False),
            nn.BatchNorm2d(inner),
            nn.LeakyReLU(negative_slope=0.05),
            nn.Conv2d(inner, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        same = stride == 1 and in_channels == out_channels
        self.skip = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1, stride=stride)
        self.act = nn.LeakyReLU(negative_slope=0.05)

    def forward(self, x):
        return self.act(self.layers(x) + self.skip(x))


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.stem = nn.Conv2d(in_shape[1], 24, 3, stride=2, padding=1)
        plan = [(24, 48, 4, 1), (48, 48, 4, 1), (48, 96, 8, 2), (96, 128, 8, 2)]
        self.blocks = nn.ModuleList()
        for channels_in, channels_out, width, stride in plan:
            self.blocks.append(AggregatedBlock(channels_in, channels_out, 8, width, stride))
        self.fc = nn.Linear(128, out_shape[0])

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        x = torch.mean(x, dim=(2, 3))
        return self.fc(x)

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
        self.optimizer = torch.optim.SGD(
            self.parameters(), lr=prm['lr'], momentum=prm['momentum'], weight_decay=5e-4, nesterov=True
        )

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.criterion(self(inputs), labels)
            loss.backward()
            self.optimizer.step()
