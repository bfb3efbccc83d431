"""Training loops as people write them. Each may be recorded by `hang`, and returns its models."""

import copy
import itertools
import json

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from core import recorder

ROWS, STEPS = 24, 12


def data(classes=0):
    x = torch.randn(ROWS, 4)
    y = (x[:, 0] > 0).long() % classes if classes else x.sum(dim=1, keepdim=True)
    return x, y


def net(out=1):
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, out))


def plain(hang):
    x, y = data()
    model, loss_fn = net(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    hang(model, optimizer, loss_fn)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
    return [model]


def loader(hang):
    """Epochs of a DataLoader, dropout and batch normalization, a validation and a scheduler after each."""
    x, y = data(classes=2)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    hang(model, optimizer, criterion)
    for _ in range(3):
        model.train()
        for inputs, targets in DataLoader(TensorDataset(x, y), batch_size=6, shuffle=True):
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            for inputs, targets in DataLoader(TensorDataset(x, y), batch_size=12):
                criterion(model(inputs), targets).item()
    return [model]


def accumulation(hang):
    x, y = data()
    model, loss_fn = net(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    hang(model, optimizer, loss_fn)
    optimizer.zero_grad()
    for step in range(4 * STEPS):
        rows = torch.arange(6) + 6 * (step % 4)
        loss = loss_fn(model(x[rows]), y[rows]) / 4
        loss.backward()
        if (step + 1) % 4 == 0:
            optimizer.step()
            optimizer.zero_grad()
    return [model]


def amp(hang):
    x, y = data(classes=2)
    model, loss_fn = net(2), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    hang(model, optimizer, loss_fn, scaler)
    for _ in range(STEPS):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            loss = loss_fn(model(x), y)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 0.05)
        scaler.step(optimizer)
        scaler.update()
    return [model]


def amp_overflow(hang):
    """The first scale is too large for float16: the scaler skips steps until it fits."""
    x, y = data()
    model, loss_fn = net(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**22)
    hang(model, optimizer, loss_fn, scaler)
    for _ in range(STEPS):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            outputs = model(x)
        scaler.scale(loss_fn(outputs, y.half())).backward()
        scaler.step(optimizer)
        scaler.update()
    return [model]


def gan(hang):
    """As in PyTorch's DCGAN tutorial: two optimizers, two backward calls for the discriminator."""
    x, _ = data()
    maker, judge, criterion = net(4), net(1), nn.BCEWithLogitsLoss()
    of_judge = torch.optim.Adam(judge.parameters(), lr=2e-3, betas=(0.5, 0.999))
    of_maker = torch.optim.Adam(maker.parameters(), lr=2e-3, betas=(0.5, 0.999))
    hang([maker, judge], [of_judge, of_maker], criterion)
    for _ in range(STEPS):
        judge.zero_grad()
        criterion(judge(x), torch.ones(ROWS, 1)).backward()
        fake = maker(torch.randn(ROWS, 4))
        criterion(judge(fake.detach()), torch.zeros(ROWS, 1)).backward()
        of_judge.step()
        maker.zero_grad()
        criterion(judge(fake), torch.ones(ROWS, 1)).backward()
        of_maker.step()
    return [maker, judge]


class Tied(nn.Module):
    """One weight under two names, as in language models."""

    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(10, 6), nn.Linear(6, 10, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens):
        return self.head(self.embed(tokens))


def tied(hang):
    tokens = torch.randint(10, (ROWS,))
    model, loss_fn = Tied(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    hang(model, optimizer, loss_fn)
    for _ in range(STEPS):
        optimizer.zero_grad(set_to_none=False)
        loss_fn(model(tokens), tokens.roll(1)).backward()
        optimizer.step()
    return [model]


def lbfgs(hang):
    x, y = data()
    model, loss_fn = net(), nn.MSELoss()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=4)
    hang(model, optimizer, loss_fn)

    def closure():
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        return loss

    for _ in range(STEPS):
        optimizer.step(closure)
    return [model]


def by_model(hang):
    """model.zero_grad after step, a copy of the best model, the gradient penalty of a second derivative."""
    x, y = data()
    model, loss_fn = net(), nn.MSELoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    hang(model, optimizer, loss_fn)
    best = None
    for _ in range(STEPS):
        loss = loss_fn(model(x), y)
        loss.backward(create_graph=False)
        optimizer.step()
        model.zero_grad()
        best = copy.deepcopy(model)
        best(x).sum().backward()
        best.zero_grad()
    return [model, best]


def zeros_by_hand(hang):
    x, y = data()
    model, loss_fn = net().double(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    hang(model, optimizer, loss_fn)
    for _ in range(STEPS):
        loss_fn(model(x.double()), y.double()).backward()
        optimizer.step()
        for p in model.parameters():
            p.grad.zero_()
    return [model]


def sparse(hang):
    tokens = torch.randint(10, (ROWS,))
    model, loss_fn = nn.Sequential(nn.Embedding(10, 4, sparse=True), nn.Linear(4, 10)), nn.CrossEntropyLoss()
    optimizers = [
        torch.optim.SparseAdam(list(model[0].parameters())),
        torch.optim.SGD(model[1].parameters(), lr=0.1),
    ]
    hang(model, optimizers, loss_fn)
    for _ in range(STEPS):
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss_fn(model(tokens), tokens).backward()
        for optimizer in optimizers:
            optimizer.step()
    return [model]


def compiled(hang):
    x, y = data()
    model, loss_fn = torch.compile(net(), backend="eager"), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    hang(model, optimizer, loss_fn)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss_fn(model(x), y).backward()
        optimizer.step()
    return [model]


def fine_tuning(hang):
    """A frozen layer, parameter groups, a warm-up, clipping where it belongs."""
    x, y = data()
    model, loss_fn = net(), nn.MSELoss()
    for p in model[0].parameters():
        p.requires_grad_(False)
    optimizer = torch.optim.AdamW(
        [{"params": [model[2].weight]}, {"params": [model[2].bias], "lr": 1e-3}], lr=1e-2
    )
    warm_up = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=4)
    hang(model, optimizer, loss_fn)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss_fn(model(x), y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        warm_up.step()
    return [model]


def endless(hang):
    """A generator of batches, in a function that the loop never leaves but by break."""
    x, y = data()
    model, loss_fn = net(), nn.HuberLoss()
    optimizer = torch.optim.NAdam(model.parameters())
    hang(model, optimizer, loss_fn)

    def train(batches):
        for number, rows in enumerate(batches):
            if number == STEPS:
                break
            optimizer.zero_grad()
            loss_fn(model(x[rows]), y[rows]).backward()
            optimizer.step()

    train(torch.randint(ROWS, (5,)) for _ in itertools.count())
    return [model]


RIGHT = {
    one.__name__: one
    for one in (
        *(plain, loader, accumulation, amp, amp_overflow, gan, tied, lbfgs, by_model, zeros_by_hand, sparse),
        *(compiled, fine_tuning, endless),
    )
}


def trained(loop, hang=lambda *args: None):
    """A loop's weights and buffers, and the random state after it; nobody else's random state is touched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        models = loop(hang)
        state = [value.clone() for model in models for value in model.state_dict().values()]
        return state, torch.get_rng_state()


def skipped(name="weight", steps=30):
    """The file of a recording without zero_grad, whose first parameter has this name."""
    model, loss_fn = nn.Linear(2, 1), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    one = recorder.record(model, optimizer, loss_fn)
    for _ in range(steps):
        loss_fn(model(torch.ones(3, 2)), torch.ones(3, 1)).backward()
        optimizer.step()
    contents = one.contents()
    one.close()
    contents["parameters"][0]["name"] = name
    return json.dumps(contents).encode()
