"""micrograd: its own Value and its own way backward, one number at a time, in Python's float64."""

import math
import random
import sys

from micrograd.engine import Value
from micrograd.nn import MLP

from ..problem import MOONS_SIZES, moons_step

PACKAGES = ["micrograd"]
SLOW = True  # a step takes about a second

sys.setrecursionlimit(20_000)  # it sorts the graph by recursion


def exp(x):
    """The exponential, which micrograd lacks, as the lecture writes it."""
    out = Value(math.exp(x.data), (x,), "exp")

    def _backward():
        x.grad += out.data * out.grad

    out._backward = _backward
    return out


def log(x):
    """The logarithm, likewise."""
    out = Value(math.log(x.data), (x,), "log")

    def _backward():
        x.grad += out.grad / x.data

    out._backward = _backward
    return out


def step(problem):
    network = MLP(problem.sizes[0], problem.sizes[1:])
    for layer, W, b in zip(network.layers, problem.weights, problem.biases, strict=True):
        for neuron, column, bias in zip(layer.neurons, W.T.tolist(), b.tolist(), strict=True):
            neuron.b.data = bias
            for w, number in zip(neuron.w, column, strict=True):
                w.data = number
    X, y = problem.x.tolist(), problem.y.tolist()

    def run():
        losses = []
        for x, label in zip(X, y, strict=True):
            scores = network(x)
            losses.append(log(sum(exp(s) for s in scores)) - scores[label])
        loss = sum(losses) * (1.0 / len(losses))
        network.zero_grad()
        loss.backward()
        for p in network.parameters():
            p.data -= problem.lr * p.grad
        return float(loss.data)

    return run


def moons(data):
    random.seed(1337)
    return moons_step(MLP(2, MOONS_SIZES), data["X"].tolist(), data["y"].tolist())


def chain(n):
    leaf = Value(1.0)

    def run():
        leaf.grad = 0.0
        x = leaf
        for _ in range(n):
            x = x * 1.0
        x.backward()

    return run
