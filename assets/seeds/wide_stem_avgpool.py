import torch
import torch.nn as nn


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.stem = nn.Conv2d(in_shape[1], 64, kernel_size=7, stride=4, padding=3)
        self.stem_bn = nn.BatchNorm2d(64)
        self.conv1 = nn.Conv2d(64, 96, kernel_size=3, padding=1)
        self.bn1 = nn.BatchNorm2d(96)
        self.conv2 = nn.Conv2d(96, 128, kernel_size=3, padding=1)
        self.bn2 = nn.BatchNorm2d(128)
        self.avg = nn.AvgPool2d(2)
        self.act = nn.ReLU()
        self.dropout = nn.Dropout(prm['dropout'])
        self.fc = nn.Linear(128 * (in_shape[2] // 16) * (in_shape[3] // 16), out_shape[0])

    def forward(self, x):
        x = self.act(self.stem_bn(self.stem(x)))
        x = self.avg(self.act(self.bn1(self.conv1(x))))
        x = self.avg(self.act(self.bn2(self.conv2(x))))
        x = x.view(x.size(0), -1)
        return self.fc(self.dropout(x))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.parameters(), lr=prm['lr'], momentum=prm['momentum'])

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.criterion(self(inputs), labels)
            loss.backward()
            self.optimizer.step()
