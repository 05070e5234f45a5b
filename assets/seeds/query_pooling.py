import torch
import torch.nn as nn


def supported_hyperparameters():
    return {'lr', 'momentum', 'dropout'}


class QueryPool(nn.Module):
    def __init__(self, dim, queries, heads):
        super().__init__()
        self.queries = nn.Parameter(torch.randn(1, queries, dim) * 0.02)
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.norm = nn.LayerNorm(dim)

    def forward(self, tokens):
        q = self.queries.expand(tokens.size(0), -1, -1)
        pooled, _ = self.attention(q, tokens, tokens)
        return self.norm(pooled)


class Net(nn.Module):
    def __init__(self, in_shape: tuple, out_shape: tuple, prm: dict, device: torch.device) -> None:
        super().__init__()
        self.device = device
        dim, queries = 64, 4
        self.tokenizer = nn.Sequential(
            nn.Conv2d(in_shape[1], 32, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, dim, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(dim),
            nn.ReLU(),
        )
        self.pool = QueryPool(dim, queries, 4)
        self.dropout = nn.Dropout(prm['dropout'])
        self.fc = nn.Linear(dim * queries, out_shape[0])

    def forward(self, x):
        tokens = self.tokenizer(x).flatten(2).transpose(1, 2)
        pooled = self.pool(tokens)
        return self.fc(self.dropout(pooled.flatten(1)))

    def train_setup(self, prm):
        self.to(self.device)
        self.criterion = nn.CrossEntropyLoss().to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.parameters(), lr=prm['lr'] * 0.1, betas=(prm['momentum'], 0.999), weight_decay=0.01
        )

    def learn(self, train_data):
        self.train()
        for inputs, labels in train_data:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            outputs = self(inputs)
            loss = self.criterion(outputs, labels)
            loss.backward()
            nn.utils.clip_grad_norm_(self.parameters(), max_norm=1.0)
            self.optimizer.step()
