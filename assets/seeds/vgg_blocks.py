import torch
import torch.nn as nn


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.features = self.make_layers([16, 'M', 32, 32, 'M', 64, 64, 'M', 96, 'M'], in_shape[1])
        self.dropout = nn.Dropout(p=prm['dropout'])
        self.fc1 = nn.Linear(96 * (in_shape[2] // 16) * (in_shape[3] // 16), 128)
        self.fc2 = nn.Linear(128, out_shape[0])
        self.relu = nn.ReLU()

    def make_layers(self, plan, channels):
        layers = []
        for item in plan:
            if item == 'M':
                layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
            else:
                layers.append(nn.Conv2d(channels, item, kernel_size=3, padding=1, bias=False))
                layers.append(nn.BatchNorm2d(item))
                layers.append(nn.ReLU(inplace=True))
                channels = item
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.features(x)
        x = torch.flatten(x, 1)
        x = self.relu(self.fc1(x))
        x = self.dropout(x)
        return self.fc2(x)

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(
            self.parameters(), lr=prm['lr'], momentum=prm['momentum'], weight_decay=5e-4
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
