"""The micrograd lecture from its first slope to its last network, with the numbers that it shows.

Every step prints what the lecture prints; then the same network runs once more on arrays.

    python examples/lecture.py
    python examples/lecture.py --no-plots   (no drawings)
"""

import os
import random
import sys

# Matrices this small gain nothing from NumPy's threads, which would fight with any other program for the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import tinytensor as tt  # noqa: I001  # before NumPy, to which it gives the right kernels
import numpy as np
from options import Parser, positive, whole

from tinytensor import Value, viz

XS = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
YS = [1.0, -1.0, -1.0, 1.0]


def f(x):
    """The lecture's parabola."""
    return 3 * x**2 - 4 * x + 5


def slopes():
    """What a derivative is: measured with a small step, and computed."""
    for number in (3.0, 2 / 3):
        h, x = 1e-6, Value(number)
        f(x).backward()
        measured = (f(number + h) - f(number)) / h
        print(f"3x² - 4x + 5 at {number:.3g}: slope measured {measured:.4f}, computed {x.grad:.4f}")


def labelled(value, label):
    """The value, with a name for drawings."""
    value.label = label
    return value


def loss():
    """L = (a*b + c) * f, and its leaves."""
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    c, f = Value(10.0, label="c"), Value(-2.0, label="f")
    d = labelled(labelled(a * b, "e") + c, "d")
    return labelled(d * f, "L"), (a, b, c, f)


def gradients_and_the_nudge():
    """Backpropagation through L, and a step along the gradients."""
    L, leaves = loss()
    L.backward()
    print(f"L = {L.data:g}; gradients:", ", ".join(f"{leaf.label} {leaf.grad:g}" for leaf in leaves))
    a, b, c, f = (Value(leaf.data + 0.01 * leaf.grad) for leaf in leaves)
    print(f"each leaf 0.01 along its gradient: L = {((a * b + c) * f).data:.4f}")
    return L


def neuron(decomposed):
    """The two-input neuron, its tanh whole or made of exp."""
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    both = labelled(labelled(x1 * w1, "x1*w1") + labelled(x2 * w2, "x2*w2"), "x1*w1 + x2*w2")
    n = labelled(both + b, "n")
    if decomposed:
        e = labelled((2 * n).exp(), "e")
        o = labelled((e - 1) / (e + 1), "o")
    else:
        o = labelled(n.tanh(), "o")
    o.backward()
    how = "of exp" if decomposed else "whole"
    print(
        f"neuron, tanh {how}: o = {o.data:.4f};",
        "gradients:", ", ".join(f"{v.label} {v.grad:.4f}" for v in (x1, w1, x2, w2)),
    )  # fmt: skip
    return o


class Neuron:
    """The lecture's neuron: tanh of a weighted sum."""

    def __init__(self, nin):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(random.uniform(-1, 1))

    def __call__(self, x):
        """The output for one example."""
        return sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b).tanh()

    def parameters(self):
        """The weights, then the bias."""
        return [*self.w, self.b]


class Layer:
    """Neurons side by side."""

    def __init__(self, nin, nout):
        self.neurons = [Neuron(nin) for _ in range(nout)]

    def __call__(self, x):
        """The outputs for one example, or the one there is."""
        outs = [neuron(x) for neuron in self.neurons]
        return outs[0] if len(outs) == 1 else outs

    def parameters(self):
        """Those of all neurons."""
        return [p for neuron in self.neurons for p in neuron.parameters()]


class MLP:
    """Layers one after another."""

    def __init__(self, nin, nouts):
        self.layers = [Layer(before, after) for before, after in zip([nin, *nouts], nouts, strict=False)]

    def __call__(self, x):
        """The last layer's output for one example."""
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        """Those of all layers."""
        return [p for layer in self.layers for p in layer.parameters()]


def train(model, options, forget=False):
    """The lecture's loop; with `forget`, without setting the gradients to zero. Returns the last loss."""
    for step in range(options.steps):
        predictions = [model(x) for x in XS]
        loss = sum((predicted - y) ** 2 for predicted, y in zip(predictions, YS, strict=True))
        if not forget:
            for p in model.parameters():
                p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data -= options.lr * p.grad
        if not np.isfinite(loss.data):
            sys.exit(f"error: the loss is {loss.data}; the learning rate --lr {options.lr:g} is too high")
        if not forget and (step % 10 == 0 or step == options.steps - 1):
            print(f"  step {step:3}  loss {loss.data:.6f}")
    return loss


def as_arrays(model):
    """The same network, a matrix per layer: neuron j becomes row j."""
    batched = tt.nn.MLP(3, [4, 4, 1], activation="tanh", output_activation="tanh", dtype=np.float64)
    for layer, neurons in zip(batched.layers, model.layers, strict=True):
        layer.weight.data = [[w.data for w in neuron.w] for neuron in neurons.neurons]
        layer.bias.data = [neuron.b.data for neuron in neurons.neurons]
    return batched


def train_arrays(model, options):
    """The loop once more: all examples at once, an optimizer for the updates."""
    optimizer = tt.optim.SGD(model.parameters(), lr=options.lr)
    for _ in range(options.steps):
        optimizer.zero_grad()
        loss = ((model(XS)[:, 0] - YS) ** 2).sum()
        loss.backward()
        optimizer.step()
    return loss


def the_forgotten_zero_grad():
    """What adding up all gradients does where there is no luck: x rolls through the valley, and back, for ever."""
    for forget in (False, True):
        x, path = Value(3.0), []
        for _ in range(1000):
            if not forget:
                x.grad = 0.0
            f(x).backward()
            x.data -= 0.01 * x.grad
            path.append(x.data)
        how = "never" if forget else "always"
        print(f"gradient {how} set to zero: the last 100 of 1,000 steps are between {min(path[-100:]):.4f} and "
              f"{max(path[-100:]):.4f}; the minimum is at 0.6667")  # fmt: skip


def network(options):
    """The 3-4-4-1 network, with and without zero_grad, and on arrays: the last of these losses, and its model."""

    def fresh():
        random.seed(options.seed)
        return MLP(3, [4, 4, 1])

    model = fresh()
    print(f"a network of {len(model.parameters())} parameters learns four examples:")
    expected = train(model, options)
    print("  predictions:", ", ".join(f"{model(x).data:.3f}" for x in XS))
    print(f"the gradients never set to zero: loss {train(fresh(), options, forget=True).data:.6f}")
    batched = as_arrays(fresh())
    loss = train_arrays(batched, options)
    print(f"the same on arrays: loss {loss.item():.6f}, a difference of {abs(loss.item() - expected.data):.0e}")
    return loss, batched


def main(argv=None):
    """Tell the lecture."""
    parser = Parser(__doc__.partition("\n")[0], "out/lecture")
    parser.add_argument("--steps", type=whole(1, 10_000), default=50, help="of training")
    parser.add_argument("--lr", type=positive, default=0.1, help="learning rate")
    options = parser.parse_args(argv)
    slopes()
    L = gradients_and_the_nudge()
    o, decomposed = neuron(False), neuron(True)
    loss, model = network(options)
    the_forgotten_zero_grad()
    if options.no_plots:
        return
    try:
        viz.draw_dot(L).write(options.out / "L.svg")
        viz.draw_dot(o).write(options.out / "neuron.svg")
        viz.draw(decomposed, path=options.out / "neuron-of-exp.svg")
        viz.draw(loss, model=model, path=options.out / "network.svg")
    except (ImportError, RuntimeError) as error:
        sys.exit(f"error: {error} (or --no-plots)")
    print(f"drawings in {options.out}")


if __name__ == "__main__":
    main()
