"""tinytensor's scalar Value, on micrograd's demo."""

import random

from tinytensor import Value, scalar

from ..problem import MOONS_SIZES, moons_step

PACKAGES = ["tinytensor", "numpy"]


def moons(data):
    random.seed(1337)
    return moons_step(scalar.MLP(2, MOONS_SIZES), data["X"].tolist(), data["y"].tolist())


def chain(n):
    leaf = Value(1.0)

    def run():
        leaf.grad = 0.0
        x = leaf
        for _ in range(n):
            x = x * 1.0
        x.backward()

    return run
