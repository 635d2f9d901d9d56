"""What every contestant computes: SGD steps of a multilayer perceptron on the same random data."""

from dataclasses import dataclass

SIZES = {"S": ([2, 16, 16, 2], 100), "M": ([64, 128, 64, 10], 64), "L": ([784, 512, 256, 10], 256)}
LEARNING_RATE = 0.1


@dataclass
class Problem:
    """A network, a batch and where training starts; float32. Each weight is (inputs, outputs)."""

    sizes: list
    weights: list
    biases: list
    x: object
    y: object
    lr: float = LEARNING_RATE


def make_problem(sizes, batch):
    """Draw a problem, the same in every process."""
    import numpy as np  # the parent process needs no NumPy

    rng = np.random.default_rng(0)
    scales = [(2 / n) ** 0.5 for n in sizes[:-1]]
    shapes = zip(sizes[:-1], sizes[1:], scales, strict=True)
    weights = [(s * rng.standard_normal((n, m), dtype=np.float32)).astype(np.float32) for n, m, s in shapes]
    biases = [np.zeros(m, np.float32) for m in sizes[1:]]
    x = rng.standard_normal((batch, sizes[0]), dtype=np.float32)
    return Problem(sizes, weights, biases, x, rng.integers(0, sizes[-1], batch))


# ------------------------------------------------------------------ training the digits classifier

HIDDEN = [128, 64]
EPOCHS = 20
BATCH = 64
RATE = 0.001  # of Adam, with the usual other settings


def load(path):
    """The arrays that ``data.py`` saved."""
    import numpy as np

    with np.load(path) as file:
        return {name: file[name] for name in file.files}


# ------------------------------------------------------------------------------- micrograd's demo

MOONS_SIZES = [16, 16, 1]
MOONS_ALPHA = 1e-4


def moons_step(network, X, y):
    """The demo's training step, for networks of scalars with micrograd's interface; it returns the loss."""

    def step():
        scores = [network(x) for x in X]
        margins = [(1 + -label * score).relu() for label, score in zip(y, scores, strict=True)]
        loss = sum(margins) * (1.0 / len(margins)) + MOONS_ALPHA * sum(p * p for p in network.parameters())
        network.zero_grad()
        loss.backward()
        for p in network.parameters():
            p.data -= 0.5 * p.grad
        return float(loss.data)

    return step
