"""The floor: the step's matrix products alone, into memory set aside. It has no loss."""

import numpy as np

PACKAGES = ["numpy"]
CHECKED = False


def step(problem):
    sizes, batch = problem.sizes, len(problem.y)
    weights = problem.weights
    acts = [problem.x, *(np.ones((batch, n), np.float32) for n in sizes[1:])]
    outs = [np.empty_like(a) for a in acts]
    products = []
    for i, W in enumerate(weights):
        products.append((acts[i], W, outs[i + 1]))
        products.append((acts[i].T, acts[i + 1], np.empty_like(W)))
        if i > 0:
            products.append((acts[i + 1], W.T, outs[i]))

    def run():
        for a, b, out in products:
            np.matmul(a, b, out=out)
        return 0.0

    return run
