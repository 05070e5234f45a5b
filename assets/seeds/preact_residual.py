import torch
import torch.nn as nn


def supported_hyperparameters():
    return {'lr', 'momentum'}


class PreActBlock(nn.Module):
    def __init__(self, width_in, width_out, stride):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(width_in)
        self.conv1 = nn.Conv2d(width_in, width_out, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width_out)
        self.conv2 = nn.Conv2d(width_out, width_out, 3, 1, 1, bias=False)
        self.project = None
        if stride > 1 or width_in != width_out:
            self.project = nn.Conv2d(width_in, width_out, 1, stride, bias=False)

    def forward(self, x):
        y = torch.relu(self.norm1(x))
        skip = x if self.project is None else self.project(y)
        y = self.conv1(y)
        y = self.conv2(torch.relu(self.norm2(y)))
        return y + skip


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        widths = [16, 32, 64]
        self.entry = nn.Conv2d(in_shape[1], widths[0], 3, stride=2, padding=1, bias=False)
        blocks = []
        previous = widths[0]
        for index, width in enumerate(widths):
            for repeat in range(2):
                stride = 2 if index > 0 and repeat == 0 else 1
                blocks.append(PreActBlock(previous, width, stride))
                previous = width
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(previous)
        self.head = nn.Linear(previous, out_shape[0])

    def forward(self, x):
        x = self.blocks(self.entry(x))
        x = torch.relu(self.norm(x))
        x = x.mean(dim=[2, 3])
        return self.head(x)

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss().to(self.device)
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
            nn.utils.clip_grad_norm_(self.parameters(), max_norm=5.0)
            self.optimizer.step()
