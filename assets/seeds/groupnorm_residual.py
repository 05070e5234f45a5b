import torch
import torch.nn as nn
import torch.nn.functional as F


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class NormConv(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1, groups=4):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.norm = nn.GroupNorm(groups, out_channels)

    def forward(self, x):
        return F.mish(self.norm(self.conv(x)))


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.stem = NormConv(in_shape[1], 16, stride=2)
        self.res1 = nn.Sequential(NormConv(16, 16), NormConv(16, 16))
        self.down1 = NormConv(16, 40, stride=2)
        self.res2 = nn.Sequential(NormConv(40, 40), NormConv(40, 40))
        self.down2 = NormConv(40, 80, stride=2)
        self.res3 = NormConv(80, 80, groups=8)
        self.dropout = nn.Dropout(prm['dropout'])
        self.fc = nn.Linear(80, out_shape[0])

    def forward(self, x):
        x = self.stem(x)
        x = x + self.res1(x)
        x = self.down1(x)
        x = x + self.res2(x)
        x = self.down2(x)
        x = x + self.res3(x)
        x = F.adaptive_avg_pool2d(x, output_size=1)
        return self.fc(self.dropout(x.flatten(1)))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss().to(self.device)
        self.optimizer = torch.optim.SGD(self.parameters(), lr=prm['lr'], momentum=prm['momentum'])

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            outputs = self(inputs)
            loss = self.criterion(outputs, labels)
            loss.backward()
            nn.utils.clip_grad_norm_(self.parameters(), max_norm=3.0)
            self.optimizer.step()
