"""HIPS autograd, in the style of its own examples."""

import autograd.numpy as anp
import numpy as np
from autograd import grad, value_and_grad
from autograd.scipy.special import logsumexp

PACKAGES = ["autograd", "numpy", "scipy"]


def step(problem):
    x, y, lr = problem.x, problem.y, problem.lr
    params = [(W.copy(), b.copy()) for W, b in zip(problem.weights, problem.biases, strict=True)]
    rows = np.arange(len(y))

    def loss(params):
        *hidden, (W, b) = params
        h = x
        for V, c in hidden:
            h = anp.maximum(anp.dot(h, V) + c, 0)
        scores = anp.dot(h, W) + b
        return anp.mean(logsumexp(scores, axis=1) - scores[rows, y])

    both = value_and_grad(loss)

    def run():
        value, grads = both(params)
        for (W, b), (dW, db) in zip(params, grads, strict=True):
            W -= lr * dW
            b -= lr * db
        return float(value)

    return run


def chain(n):
    start = np.ones(4, np.float32)

    def function(x):
        for _ in range(n):
            x = x * 1.0
        return anp.sum(x)

    derivative = grad(function)
    return lambda: derivative(start)
