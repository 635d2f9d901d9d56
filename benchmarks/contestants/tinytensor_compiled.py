"""tinytensor, with the training step compiled."""

import numpy as np

import tinytensor as tt

from ..problem import BATCH, EPOCHS, HIDDEN, RATE
from .tinytensor_eager import make_model

if not hasattr(tt, "compile"):
    raise ImportError("tinytensor has no compile yet")

PACKAGES = ["tinytensor", "numpy"]
COMPILES = True


def compiled(model, optimizer):
    """The training step, compiled at its first call."""

    @tt.compile
    def train(x, y):
        optimizer.zero_grad()
        loss = tt.nn.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return train


def step(problem):
    model, x, y = make_model(problem), problem.x, problem.y
    train = compiled(model, tt.optim.SGD(model.parameters(), lr=problem.lr))
    return lambda: train(x, y).item()


def digits(data):
    def run():
        rng = np.random.default_rng(0)
        model = tt.nn.MLP(64, [*HIDDEN, 10], generator=rng)
        train = compiled(model, tt.optim.Adam(model.parameters(), lr=RATE))
        for _ in range(EPOCHS):
            for x, y in tt.data.batches(data["X"], data["y"], batch_size=BATCH, rng=rng):
                train(x, y)
        with tt.no_grad():
            return float(np.mean(model(data["X_test"]).data.argmax(axis=1) == data["y_test"]))

    return run
