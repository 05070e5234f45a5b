import torch
import torch.nn as nn


def supported_hyperparameters():
    return {'lr', 'momentum'}


class Residual(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        return x + self.body(x)


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        dim, depth, kernel_size = 96, 4, 7
        self.embed = nn.Sequential(nn.Conv2d(in_shape[1], dim, 4, stride=4), nn.GELU(), nn.BatchNorm2d(dim))
        self.layers = nn.Sequential(*[self.layer(dim, kernel_size) for _ in range(depth)])
        self.classifier = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(dim, out_shape[0]))

    def layer(self, dim, kernel_size):
        depthwise = nn.Sequential(
            nn.Conv2d(dim, dim, kernel_size, groups=dim, padding='same'), nn.GELU(), nn.BatchNorm2d(dim)
        )
        pointwise = nn.Sequential(nn.Conv2d(dim, dim, 1), nn.GELU(), nn.BatchNorm2d(dim))
        return nn.Sequential(Residual(depthwise), pointwise)

    def forward(self, x):
        return self.classifier(self.layers(self.embed(x)))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
        self.optimizer = torch.optim.AdamW(
            self.parameters(), lr=prm['lr'] * 0.1, betas=(prm['momentum'], 0.999), weight_decay=5e-3
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
