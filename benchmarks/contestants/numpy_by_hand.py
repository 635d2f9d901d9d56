"""NumPy, as a person writes the step plainly: the gradients worked out on paper, no memory reused."""

from itertools import pairwise

import numpy as np

from ..problem import BATCH, EPOCHS, HIDDEN, RATE

PACKAGES = ["numpy"]


def forward(weights, biases, x, y):
    """The loss, its gradient by the scores, and the input of each layer."""
    activations = [x]
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        activations.append(np.maximum(activations[-1] @ W + b, 0))
    scores = activations[-1] @ weights[-1] + biases[-1]
    rows = np.arange(len(y))
    scores -= scores.max(axis=1, keepdims=True)
    exps = np.exp(scores)
    totals = exps.sum(axis=1, keepdims=True)
    loss = np.mean(np.log(totals[:, 0]) - scores[rows, y])
    g = exps / totals
    g[rows, y] -= 1
    g /= len(y)
    return loss, g, activations


def backward(weights, g, activations):
    """Each layer with the gradients of its weights and biases, the last one first."""
    for i in range(len(weights) - 1, -1, -1):
        dW, db = activations[i].T @ g, g.sum(axis=0)
        if i > 0:
            g = (g @ weights[i].T) * (activations[i] > 0)
        yield i, dW, db


def step(problem):
    x, y, lr = problem.x, problem.y, problem.lr
    weights, biases = [W.copy() for W in problem.weights], [b.copy() for b in problem.biases]

    def run():
        loss, g, activations = forward(weights, biases, x, y)
        for i, dW, db in backward(weights, g, activations):
            weights[i] -= lr * dW
            biases[i] -= lr * db
        return float(loss)

    return run


class Adam:
    """Its step for one array, as the paper writes it, with the corrections in the rate."""

    def __init__(self, p):
        self.p, self.m, self.v, self.t = p, np.zeros_like(p), np.zeros_like(p), 0

    def step(self, g):
        self.t += 1
        root = (1 - 0.999**self.t) ** 0.5
        self.m *= 0.9
        self.m += 0.1 * g
        self.v *= 0.999
        self.v += 0.001 * g * g
        self.p -= RATE * root / (1 - 0.9**self.t) * self.m / (np.sqrt(self.v) + 1e-8 * root)


def digits(data):
    X, y = data["X"], data["y"]

    def run():
        rng = np.random.default_rng(0)
        sizes = [64, *HIDDEN, 10]
        weights = [rng.uniform(-(n**-0.5), n**-0.5, (n, m)).astype(np.float32) for n, m in pairwise(sizes)]
        biases = [np.zeros(m, np.float32) for m in sizes[1:]]
        optimizers = [(Adam(W), Adam(b)) for W, b in zip(weights, biases, strict=True)]
        for _ in range(EPOCHS):
            order = rng.permutation(len(X))
            for start in range(0, len(X), BATCH):
                rows = order[start : start + BATCH]
                _, g, activations = forward(weights, biases, X[rows], y[rows])
                for i, dW, db in backward(weights, g, activations):
                    of_weights, of_biases = optimizers[i]
                    of_weights.step(dW)
                    of_biases.step(db)
        _, _, activations = forward(weights, biases, data["X_test"], data["y_test"])
        scores = activations[-1] @ weights[-1] + biases[-1]
        return float(np.mean(scores.argmax(axis=1) == data["y_test"]))

    return run


def operations():
    x, w = (np.ones((4, 4), np.float32) for _ in range(2))
    return {
        "add": lambda: x + w,
        "multiply": lambda: x * w,
        "exp": lambda: np.exp(x),
        "sum": lambda: x.sum(),
        "matmul": lambda: x @ w,
        "index": lambda: x[0],
    }
