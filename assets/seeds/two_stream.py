import torch
import torch.nn as nn


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class Stream(nn.Module):
    def __init__(self, in_channels, widths, kernel_size):
        super().__init__()
        layers = []
        for width in widths:
            layers.append(nn.Conv2d(in_channels, width, kernel_size, stride=2, padding=kernel_size // 2))
            layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU())
            in_channels = width
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.fine = Stream(in_shape[1], [16, 32, 64], 3)
        self.coarse = Stream(in_shape[1], [16, 48], 5)
        self.shrink = nn.AvgPool2d(kernel_size=2, stride=2)
        self.cross = nn.Conv2d(64 + 48, 96, 1)
        self.bn = nn.BatchNorm2d(96)
        self.dropout = nn.Dropout(prm['dropout'])
        self.fc = nn.Linear(96 * 2, out_shape[0])

    def forward(self, x):
        fine = self.fine(x)
        coarse = self.coarse(self.shrink(x))
        both = torch.cat([fine, coarse], dim=1)
        both = torch.relu(self.bn(self.cross(both)))
        avg = both.mean(dim=(2, 3))
        top = both.amax(dim=(2, 3))
        return self.fc(self.dropout(torch.cat([avg, top], dim=1)))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss().to(self.device)
        self.optimizer = torch.optim.SGD(
            self.parameters(), lr=prm['lr'], momentum=prm['momentum'], nesterov=True
        )

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.criterion(self(inputs), labels)
            loss.backward()
            self.optimizer.step()
