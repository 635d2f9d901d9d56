"""tinytensor, as its README shows it."""

import numpy as np

import tinytensor as tt

from ..problem import BATCH, EPOCHS, HIDDEN, RATE

PACKAGES = ["tinytensor", "numpy"]


def make_model(problem):
    """The problem's network."""
    model = tt.nn.MLP(problem.sizes[0], problem.sizes[1:])
    for layer, W, b in zip(model.layers, problem.weights, problem.biases, strict=True):
        layer.weight.data[...], layer.bias.data[...] = W.T, b
    return model


def step(problem):
    model, x, y = make_model(problem), problem.x, problem.y
    optimizer = tt.optim.SGD(model.parameters(), lr=problem.lr)

    def run():
        optimizer.zero_grad()
        loss = tt.nn.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


def operations():
    x, w = (tt.tensor(np.ones((4, 4), np.float32), requires_grad=True) for _ in range(2))

    def backward():
        x.grad = w.grad = None
        (x @ w).sum().backward()

    return {
        "add": lambda: x + w,
        "multiply": lambda: x * w,
        "exp": lambda: np.exp(x),
        "sum": lambda: x.sum(),
        "matmul": lambda: x @ w,
        "index": lambda: x[0],
        "matmul, sum, backward": backward,
    }


def chain(n):
    leaf = tt.tensor(np.ones(4, np.float32), requires_grad=True)

    def run():
        leaf.grad = None
        x = leaf
        for _ in range(n):
            x = x * 1.0
        x.sum().backward()

    return run


def digits(data):
    def run():
        rng = np.random.default_rng(0)
        model = tt.nn.MLP(64, [*HIDDEN, 10], generator=rng)
        optimizer = tt.optim.Adam(model.parameters(), lr=RATE)
        for _ in range(EPOCHS):
            for x, y in tt.data.batches(data["X"], data["y"], batch_size=BATCH, rng=rng):
                optimizer.zero_grad()
                tt.nn.cross_entropy(model(x), y).backward()
                optimizer.step()
        with tt.no_grad():
            return float(np.mean(model(data["X_test"]).data.argmax(axis=1) == data["y_test"]))

    return run
