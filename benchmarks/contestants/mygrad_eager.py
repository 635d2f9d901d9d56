"""MyGrad, its memory guard off, as its documentation advises for speed."""

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import relu
from mygrad.nnet.losses import softmax_crossentropy

PACKAGES = ["mygrad", "numpy"]

mg.turn_memory_guarding_off()


def step(problem):
    x, y, lr = problem.x, problem.y, problem.lr
    weights, biases = [mg.tensor(W.copy()) for W in problem.weights], [mg.tensor(b.copy()) for b in problem.biases]

    def run():
        h = x
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            h = relu(h @ W + b)
        loss = softmax_crossentropy(h @ weights[-1] + biases[-1], y)
        loss.backward()
        for p in (*weights, *biases):
            p.data -= lr * p.grad
        return loss.item()

    return run


def operations():
    x, w = (mg.tensor(np.ones((4, 4), np.float32)) for _ in range(2))
    return {
        "add": lambda: x + w,
        "multiply": lambda: x * w,
        "exp": lambda: mg.exp(x),
        "sum": lambda: x.sum(),
        "matmul": lambda: x @ w,
        "index": lambda: x[0],
        "matmul, sum, backward": lambda: (x @ w).sum().backward(),
    }


def chain(n):
    leaf = mg.tensor(np.ones(4, np.float32))

    def run():
        x = leaf
        for _ in range(n):
            x = x * 1.0
        x.sum().backward()

    return run
