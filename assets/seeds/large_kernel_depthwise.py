import torch
import torch.nn as nn


def supported_hyperparameters():
    return {'lr'}


class LargeKernelBlock(nn.Module):
    def __init__(self, dim, kernel_size=7, layer_scale=0.1):
        super().__init__()
        self.depthwise = nn.Conv2d(dim, dim, kernel_size, padding=kernel_size // 2, groups=dim)
        self.norm = nn.LayerNorm(dim)
        self.expand = nn.Linear(dim, 3 * dim)
        self.act = nn.GELU()
        self.project = nn.Linear(3 * dim, dim)
        self.scale = nn.Parameter(layer_scale * torch.ones(dim))

    def forward(self, x):
        y = self.depthwise(x).permute(0, 2, 3, 1)
        y = self.project(self.act(self.expand(self.norm(y))))
        y = self.scale * y
        return x + y.permute(0, 3, 1, 2)


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.patchify = nn.Conv2d(in_shape[1], 48, kernel_size=4, stride=4)
        self.stage1 = nn.Sequential(LargeKernelBlock(48), LargeKernelBlock(48))
        self.down = nn.Conv2d(48, 96, kernel_size=2, stride=2)
        self.stage2 = nn.Sequential(LargeKernelBlock(96, 5), LargeKernelBlock(96, 5))
        self.norm = nn.LayerNorm(96)
        self.head = nn.Linear(96, out_shape[0])

    def forward(self, x):
        x = self.stage1(self.patchify(x))
        x = self.stage2(self.down(x))
        return self.head(self.norm(x.mean([-2, -1])))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.1).to(self.device)
        self.optimizer = torch.optim.AdamW(self.parameters(), lr=prm['lr'] * 0.1, weight_decay=0.02)

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.criterion(self(inputs), labels)
            loss.backward()
            self.optimizer.step()
