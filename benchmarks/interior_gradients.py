"""What it costs that interior gradients stay readable after ``backward()``: time and peak memory.

One SGD step of three MLPs, with interior gradients kept (as tinytensor does) and dropped, in alternation.

    python benchmarks/interior_gradients.py
"""

import statistics
import time
import tracemalloc

import numpy as np

import tinytensor as tt
from tinytensor import engine

SIZES = {"S": ([2, 16, 16, 2], 100, 100), "M": ([64, 128, 64, 10], 64, 100), "L": ([784, 512, 256, 10], 256, 5)}

keep = engine.backward


def drop(root, seed):
    """`engine.backward`, storing leaves only."""
    for node, g in engine.propagate(root, seed):
        if node.is_leaf:
            node._grad = np.asarray(g if node._grad is None else node._grad + g)


def make_step(sizes, batch):
    """A training step on random data."""
    rng = np.random.default_rng(0)
    model = tt.nn.MLP(sizes[0], sizes[1:], generator=rng)
    optimizer = tt.optim.SGD(model.parameters(), lr=0.01)
    X = rng.standard_normal((batch, sizes[0])).astype(np.float32)
    y = rng.integers(0, sizes[-1], batch)

    def step():
        optimizer.zero_grad()
        tt.nn.cross_entropy(model(X), y).backward()
        optimizer.step()

    return step


def median_time(step, repeat):
    """The median of the seconds that a step takes."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peak_memory(step):
    """The most bytes that two steps in a row hold."""
    step()
    tracemalloc.start()
    step()
    step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


print("kept / dropped:   time   peak memory")
for name, (sizes, batch, repeat) in SIZES.items():
    step = make_step(sizes, batch)
    seconds, peak = {keep: [], drop: []}, {}
    for _ in range(15):
        for way in (keep, drop):
            engine.backward = way
            seconds[way].append(median_time(step, repeat))
    for way in (keep, drop):
        engine.backward = way
        peak[way] = peak_memory(step)
    time_ratio = statistics.median(seconds[keep]) / statistics.median(seconds[drop])
    print(f"{name:>14}   {time_ratio:6.2f}   {peak[keep] / peak[drop]:6.2f}   ({peak[keep] / 1024:.0f} KiB)")
