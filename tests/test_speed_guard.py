"""What a training step costs, counted and not timed: calls, bytes and imports do not depend on the machine's mood.

A count that grew is no error by itself. Look where it comes from; when it is worth it, raise the number here.
"""

import subprocess
import sys
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

import tinytensor as tt
from tinytensor import scalar

SIZES = {"S": ([2, 16, 16, 2], 100), "L": ([784, 512, 256, 10], 256)}


def training_step(size, optimizer=tt.optim.SGD):
    sizes, batch = SIZES[size]
    rng = np.random.default_rng(0)
    model = tt.nn.MLP(sizes[0], sizes[1:], generator=rng)
    opt = optimizer(model.parameters(), lr=0.01)
    X, y = rng.standard_normal((batch, sizes[0])).astype(np.float32), rng.integers(0, sizes[-1], batch)

    def step():
        opt.zero_grad()
        tt.nn.cross_entropy(model(X), y).backward()
        opt.step()

    return step


def calls_of(step):
    """How many calls of Python functions, and of built-in ones (ufuncs and methods of arrays among them), a step makes."""
    for _ in range(3):
        step()
    counts = {"call": 0, "c_call": 0}

    def count(frame, event, arg):
        if event in counts:
            counts[event] += 1

    sys.setprofile(count)
    try:
        step()
    finally:
        sys.setprofile(None)
    return counts


@pytest.mark.parametrize(("optimizer", "python", "built_in"), [(tt.optim.SGD, 175, 265), (tt.optim.AdamW, 195, 280)])
def test_calls_of_a_training_step(optimizer, python, built_in):
    counts = calls_of(training_step("S", optimizer))
    assert counts["call"] <= python
    assert counts["c_call"] <= built_in


def test_calls_of_the_scalar_network():
    def cost(neurons):
        layer = scalar.Layer(4, neurons)

        def step():
            sum(layer([1.0, 2.0, 3.0, 4.0])).backward()

        return sum(calls_of(step).values())

    assert (cost(64) - cost(32)) / 32 <= 225  # for a neuron: 4 products, 4 sums, a ReLU, one sum of all


def test_calls_grow_linearly_with_depth():
    def cost(depth):
        x = tt.Tensor([1.0, 2.0], requires_grad=True)

        def step():
            y = x
            for _ in range(depth):
                y = y * 1.5
            y.sum().backward()

        return sum(calls_of(step).values())

    first, second = cost(200) - cost(100), cost(300) - cost(200)
    assert abs(first - second) <= first // 100


def test_memory_of_a_training_step():
    sizes, batch = SIZES["L"]
    step = training_step("L")
    step()
    tracemalloc.start()
    try:
        step()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    parameters = sum(n * (m + 1) for m, n in pairwise(sizes))
    # A gradient for each parameter; per hidden unit a sum, its ReLU and both gradients, and a mask on the way.
    activations = batch * sum(sizes[1:])
    assert peak <= 4 * (parameters + 5 * activations) * 1.05


HEAVY = [
    "scipy",
    "torch",
    "jax",
    "sklearn",
    "matplotlib",
    "hypothesis",
    "graphviz",
    "pandas",
    "tqdm",
    "pytest",
    "numpy.testing",
]


def test_import_brings_nothing_heavy():
    script = "import sys; import tinytensor; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded.intersection(HEAVY)
    assert not {name for name in loaded if name.startswith(("tinytensor.testing", "tinytensor.viz", "tinytensor.cli"))}
