"""Ideas for a faster eager step, each timed against the plain way: what was kept, and what was dropped and why.

Both ways run in alternation in one process; printed is the median of the ratios of neighbouring rounds, idea / plain.

    OPENBLAS_NUM_THREADS=1 python benchmarks/tried.py
"""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import tinytensor as tt
from tinytensor.engine import apply, unbroadcast
from tinytensor.fused import linear, linear_relu
from tinytensor.optim.base import numbers
from tinytensor.quick import aligned

SIZES = {"S": (100, 16, 16, 300), "M": (64, 64, 128, 200), "L": (256, 784, 512, 8)}  # batch, in, out, repeats
rng = np.random.default_rng(0)


def draw(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def ratio(plain, idea, repeat, rounds=15):
    """The median of idea / plain."""
    found = []
    for k in range(rounds):
        seconds = {}
        for way in (plain, idea) if k % 2 else (idea, plain):
            way()
            start = time.perf_counter()
            for _ in range(repeat):
                way()
            seconds[way] = time.perf_counter() - start
        found.append(seconds[idea] / seconds[plain])
    return statistics.median(found)


# ------------------------------------------------------------- bias and activation in one primitive


def layer(batch, n, m):
    x, w, b = (tt.Tensor(draw(*shape), requires_grad=True) for shape in [(batch, n), (m, n), (m,)])
    seed = draw(batch, m)
    return (
        lambda: apply(linear, (x, w, b)).relu().backward(seed),
        lambda: apply(linear_relu, (x, w, b)).backward(seed),
    )


def bias_apart(batch, n, m):
    x, w, b = (tt.Tensor(draw(*shape), requires_grad=True) for shape in [(batch, n), (m, n), (m,)])
    seed = draw(batch, m)
    return lambda: (x @ w.T + b).backward(seed), lambda: apply(linear, (x, w, b)).backward(seed)


# -------------------------------------------------------------------------------- memory and plans


def reused_buffers(batch, n, m):
    g, x, w = draw(batch, m), draw(batch, n), draw(m, n)
    for_w, for_x = np.empty_like(w), np.empty_like(x)
    return (
        lambda: (np.matmul(g.T, x), np.matmul(g, w)),
        lambda: (np.matmul(g.T, x, out=for_w), np.matmul(g, w, out=for_x)),
    )


def in_place_sums(batch, n, m):
    a, b = draw(batch, m), draw(batch, m)
    return lambda: a * b + b, lambda: np.add(total := a * b, b, total)


plans = {}


def planned(g, shape):
    key = g.shape, shape
    axes = plans.get(key)
    if axes is None:
        axes = plans[key] = tuple(range(g.ndim - len(shape)))
    return np.add.reduce(g, axis=axes)


def cached_plans(batch, n, m):
    g = draw(batch, m)
    return lambda: unbroadcast(g, (m,)), lambda: planned(g, (m,))


def sum_by_ones(batch, n, m):
    g, ones = draw(batch, m), np.ones(batch, np.float32)
    return lambda: np.add.reduce(g, axis=0), lambda: np.matmul(ones, g)


def products_by_dot(batch, n, m):
    g, x, w = draw(batch, m), draw(batch, n), draw(m, n)
    return (
        lambda: (np.matmul(x, w.T), np.matmul(g.T, x), np.matmul(g, w)),
        lambda: (x.dot(w.T), g.T.dot(x), g.dot(w)),
    )


def cache_lines(batch, n, m):
    def memory(array, start):
        room = aligned(array.size + 16, array.dtype)[start : start + array.size].reshape(array.shape)
        room[...] = array
        return room

    def layer(start):
        shapes = [(batch, n), (n, m), (m,), (batch, m), (n, m), (batch, n)]
        x, w, b, out, for_w, for_x = (memory(draw(*shape), start) for shape in shapes)

        def step():
            np.matmul(x, w, out=out)
            np.add(out, b, out=out)
            np.matmul(x.T, out, out=for_w)
            np.matmul(out, w.T, out=for_x)

        return step

    return layer(4), layer(0)  # NumPy's own memory begins 16 bytes into a line


# --------------------------------------------------------------- small parameters updated side by side

NETWORKS = {"S": (100, 2, 16, 16, 2), "M": (64, 64, 128, 64, 10), "L": (256, 784, 512, 256, 10)}


class SideBySide(tt.optim.Adam):
    """Adam whose parameters are copied into one flat array, updated by one set of calls, and copied back."""

    def step(self):
        arrays = [p.data for p in self.parameters]
        if not hasattr(self, "flat"):
            size = sum(a.size for a in arrays)
            self.flat = [np.zeros(size, np.float32) for _ in range(4)]
            self.flat_state = {"step": 0, "m": np.zeros(size, np.float32), "v": np.zeros(size, np.float32)}
            stops = np.cumsum([0, *(a.size for a in arrays)])
            self.views = [
                np.ndarray(a.shape, a.dtype, self.flat[0][start:], strides=a.strides)
                for a, start in zip(arrays, stops, strict=False)
            ]
        p, g, a, b = self.flat
        np.concatenate([array.ravel("K") for array in arrays], out=p)
        np.concatenate([parameter.grad.ravel("K") for parameter in self.parameters], out=g)
        self._begin(p, self.flat_state)
        self._update(p, g, self.flat_state, numbers(p.dtype, *self._rates(self.flat_state)), a, b)
        for parameter, array, view in zip(self.parameters, arrays, self.views, strict=True):
            array[...] = view
            parameter._touch()


def whole_step(kind, batch, *sizes, order="F", compiled=False):
    """A training step with an optimizer of this kind, the weights by rows ("C") or by columns."""
    model = tt.nn.MLP(sizes[0], sizes[1:], generator=np.random.default_rng(0))
    for layer in model.layers:
        layer.weight.data = np.array(layer.weight.data, order=order)
    optimizer, x, y = kind(model.parameters(), lr=1e-4), draw(batch, sizes[0]), rng.integers(0, sizes[-1], batch)

    def step(x, y):
        optimizer.zero_grad()
        loss = tt.nn.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()

    step = tt.compile(step) if compiled else step
    return lambda: step(x, y)


# ------------------------------------------------------------------------ large elementwise chains

BIG, OUT = draw(4096, 1024), np.empty((4096, 1024), np.float32)


def chain(x, out):
    np.multiply(x, x, out)
    np.multiply(out, 0.5, out)
    np.add(out, x, out)
    np.tanh(out, out)
    return np.multiply(out, x, out)


def blocked(rows=64):
    for k in range(0, len(BIG), rows):
        chain(BIG[k : k + rows], OUT[k : k + rows])


def threaded(pool):
    half = len(BIG) // 2
    other = pool.submit(chain, BIG[half:], OUT[half:])
    chain(BIG[:half], OUT[:half])
    other.result()


def show(name, found):
    print(f"{name:>16}", "  ".join(f"{size} {value:.2f}" for size, value in found.items()))


def main():
    ideas = (bias_apart, layer, reused_buffers, in_place_sums, cached_plans, sum_by_ones, products_by_dot)
    for name in (*ideas, cache_lines):
        show(name.__name__, {size: ratio(*name(*shape), repeat) for size, (*shape, repeat) in SIZES.items()})
    repeats = {size: repeat for size, (*_, repeat) in SIZES.items()}
    pairs = {
        size: [whole_step(kind, *shape) for kind in (tt.optim.Adam, SideBySide)] for size, shape in NETWORKS.items()
    }
    show("side by side", {size: ratio(*pair, repeats[size]) for size, pair in pairs.items()})
    for compiled in (False, True):
        ways = {size: [whole_step(tt.optim.SGD, *shape, order=order, compiled=compiled) for order in "CF"]
                for size, shape in NETWORKS.items()}  # fmt: skip
        name = "by columns" + ", compiled" * compiled
        show(name, {size: ratio(*pair, repeats[size]) for size, pair in ways.items()})
    print(f"{'row blocks':>16} {ratio(lambda: chain(BIG, OUT), blocked, 1):.2f}")
    with ThreadPoolExecutor(1) as pool:
        print(f"{'two threads':>16} {ratio(lambda: chain(BIG, OUT), lambda: threaded(pool), 1):.2f}")


if __name__ == "__main__":
    main()
