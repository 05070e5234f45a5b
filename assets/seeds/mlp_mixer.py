import torch
import torch.nn as nn


def supported_hyperparameters():
    return {'lr', 'dropout'}


class MixerLayer(nn.Module):
    def __init__(self, tokens, dim, token_hidden, dim_hidden):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.token_mix = nn.Sequential(nn.Linear(tokens, token_hidden), nn.GELU(), nn.Linear(token_hidden, tokens))
        self.norm2 = nn.LayerNorm(dim)
        self.channel_mix = nn.Sequential(nn.Linear(dim, dim_hidden), nn.GELU(), nn.Linear(dim_hidden, dim))

    def forward(self, x):
        y = self.norm1(x).transpose(1, 2)
        x = x + self.token_mix(y).transpose(1, 2)
        return x + self.channel_mix(self.norm2(x))


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        patch, dim = 4, 64
        tokens = (in_shape[2] // patch) * (in_shape[3] // patch)
        self.patches = nn.Conv2d(in_shape[1], dim, patch, stride=patch)
        self.layers = nn.ModuleList([MixerLayer(tokens, dim, 64, 128) for _ in range(4)])
        self.norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(prm['dropout'])
        self.head = nn.Linear(dim, out_shape[0])

    def forward(self, x):
        x = self.patches(x)
        x = x.flatten(2).permute(0, 2, 1)
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x).mean(1)
        return self.head(self.dropout(x))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss().to(self.device)
        self.optimizer = torch.optim.AdamW(self.parameters(), lr=prm['lr'] * 0.1, weight_decay=0.01)

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            loss = self.criterion(self(inputs), labels)
            loss.backward()
            self.optimizer.step()
