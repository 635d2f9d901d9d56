"""NumPy, as a person writes the step plainly: the gradients worked out on paper, no memory reused."""

import numpy as np

PACKAGES = ["numpy"]


def step(problem):
    x, y, lr = problem.x, problem.y, problem.lr
    weights, biases = [W.copy() for W in problem.weights], [b.copy() for b in problem.biases]
    rows, last = np.arange(len(y)), len(weights) - 1

    def run():
        activations = [x]
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            activations.append(np.maximum(activations[-1] @ W + b, 0))
        scores = activations[-1] @ weights[-1] + biases[-1]
        scores -= scores.max(axis=1, keepdims=True)
        exps = np.exp(scores)
        totals = exps.sum(axis=1, keepdims=True)
        loss = np.mean(np.log(totals[:, 0]) - scores[rows, y])
        g = exps / totals
        g[rows, y] -= 1
        g /= len(y)
        for i in range(last, -1, -1):
            dW, db = activations[i].T @ g, g.sum(axis=0)
            if i > 0:
                g = (g @ weights[i].T) * (activations[i] > 0)
            weights[i] -= lr * dW
            biases[i] -= lr * db
        return float(loss)

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
