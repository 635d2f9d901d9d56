"""PyTorch, as its tutorials write the step."""

from itertools import pairwise

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from ..problem import BATCH, EPOCHS, HIDDEN, RATE

PACKAGES = ["torch"]


def make_model(sizes):
    """A multilayer perceptron."""
    layers = []
    for n, m in pairwise(sizes):
        layers += [torch.nn.Linear(n, m), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def step(problem):
    model = make_model(problem.sizes)
    with torch.no_grad():
        for layer, W, b in zip(model[::2], problem.weights, problem.biases, strict=True):
            layer.weight.copy_(torch.from_numpy(W.T.copy()))
            layer.bias.copy_(torch.from_numpy(b))
    x, y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)
    optimizer = torch.optim.SGD(model.parameters(), lr=problem.lr)

    def run():
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def operations():
    x, w = (torch.ones(4, 4, requires_grad=True) for _ in range(2))

    def backward():
        x.grad = w.grad = None
        (x @ w).sum().backward()

    return {
        "add": lambda: x + w,
        "multiply": lambda: x * w,
        "exp": lambda: torch.exp(x),
        "sum": lambda: x.sum(),
        "matmul": lambda: x @ w,
        "index": lambda: x[0],
        "matmul, sum, backward": backward,
    }


def chain(n):
    leaf = torch.ones(4, requires_grad=True)

    def run():
        leaf.grad = None
        x = leaf
        for _ in range(n):
            x = x * 1.0
        x.sum().backward()

    return run


def digits(data):
    X, y, X_test = (torch.from_numpy(data[name]) for name in ("X", "y", "X_test"))

    def run():
        torch.manual_seed(0)
        model = make_model([64, *HIDDEN, 10])
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
        for _ in range(EPOCHS):
            # A DataLoader would fetch the rows one by one, several times slower.
            for rows in torch.randperm(len(X)).split(BATCH):
                optimizer.zero_grad()
                cross_entropy(model(X[rows]), y[rows]).backward()
                optimizer.step()
        with torch.no_grad():
            return float(np.mean(model(X_test).argmax(dim=1).numpy() == data["y_test"]))

    return run
