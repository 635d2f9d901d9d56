"""micrograd's demo, batched: tell two half-moons apart with a max-margin classifier.

A hundred points, a 2-16-16-1 network, the hinge loss, L2 regularization, and a learning rate that
falls from 1.0 to 0.1, and with the same seed the same numbers as in micrograd's notebook. But here a
layer is one matrix product over all the points.

    python examples/moons.py
    python examples/moons.py --scalar 10   (also one number at a time: the same losses, many times slower)
    python examples/moons.py --gif         (also an animation of the boundary over training)
"""

import os
import random
import sys
import time

# Matrices this small gain nothing from NumPy's threads, which would fight with any other program for the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

try:
    import tinytensor as tt  # noqa: I001  # before NumPy, to which it gives the right kernels
    import numpy as np
    from matplotlib.figure import Figure
    from sklearn.datasets import make_moons

    from tinytensor import scalar, viz
except ImportError as error:
    sys.exit(f"error: {error.name.partition('.')[0]} is missing: pip install 'tinytensor[examples]'")

from options import Parser, positive, whole

ALPHA = 1e-4  # weight of the L2 regularization
SIZES = [16, 16, 1]
FRAMES = 50  # of the animation, about


def matrices(network):
    """The network of scalar neurons as one of matrices: neuron j of a layer becomes row j."""
    # float64, as Python's floats are, so that both give the same losses.
    model = tt.nn.MLP(2, SIZES, dtype=np.float64)
    for layer, neurons in zip(model.layers, network.layers, strict=True):
        layer.weight.data = [[w.data for w in neuron.w] for neuron in neurons.neurons]
        layer.bias.data = [neuron.b.data for neuron in neurons.neurons]
    return model


def learning_rate(step, options):
    """It falls in a line to a tenth of what it was."""
    return options.lr * (1.0 - 0.9 * step / options.steps)


@np.errstate(over="ignore", invalid="ignore")  # where numbers overflow, the loss shows it
def train(model, X, y, options):
    """Train on all points at once; return the losses, and the model's states at some steps for an animation."""
    optimizer = tt.optim.SGD(model.parameters(), lr=options.lr)
    losses, states = [], {}
    for step in range(options.steps):
        if options.gif and step % max(1, options.steps // FRAMES) == 0:
            states[step] = model.state_dict()
        scores = model(X)[:, 0]
        loss = tt.nn.hinge(scores, y) + ALPHA * sum((p * p).sum() for p in model.parameters())
        optimizer.zero_grad()
        loss.backward()
        optimizer.lr = learning_rate(step, options)
        optimizer.step()
        losses.append(loss.item())
        accuracy = np.mean((scores.data > 0) == (y > 0))
        if step % 10 == 0 or step == options.steps - 1:
            print(f"step {step:3}  loss {losses[-1]:.4f}  accuracy {accuracy:.0%}")
        if not np.isfinite(losses[-1]):
            sys.exit(f"error: the loss is {losses[-1]}; the learning rate --lr {options.lr:g} is too high")
    if options.gif:
        states[options.steps] = model.state_dict()
    return losses, states


# -------------------------------------------------------------------------- one number at a time


def train_scalar(network, X, y, options):
    """The same steps as in the lecture, one number at a time; returns the losses."""
    losses = []
    for step in range(options.scalar):
        scores = [network(x) for x in X]
        margins = [(1 - int(yi) * score).relu() for score, yi in zip(scores, y, strict=True)]
        loss = sum(margins) / len(margins) + ALPHA * sum(p * p for p in network.parameters())
        network.zero_grad()
        loss.backward()
        for p in network.parameters():
            p.data -= learning_rate(step, options) * p.grad
        losses.append(loss.data)
    return losses


def compare(network, X, y, options, expected, seconds):
    """Train scalar by scalar too, and say how much longer a step takes."""
    start = time.perf_counter()
    losses = train_scalar(network, X, y, options)
    per_step = (time.perf_counter() - start) / options.scalar
    difference = np.max(np.abs(np.subtract(losses, expected[: options.scalar])))
    print(f"\nscalar by scalar: {options.scalar} steps, the losses differ by {difference:.0e} at most")
    print(f"one step: {per_step * 1e3:.0f} ms, batched {seconds * 1e3:.2f} ms: {per_step / seconds:,.0f} times faster")


# ---------------------------------------------------------------------------------------- results


def plot_surface(model, X, y, path):
    """Draw the score of every point of the plane, and the line where it is 0."""
    figure = Figure(figsize=(7, 3.9), layout="constrained")
    title = "Decision surface: 0 on the line, -1 and 1 at the margins"
    axes = viz.plot_decision_boundary(model, X, y, levels=(-1, 0, 1), vmax=3, title=title, ax=figure.subplots())
    axes.set_aspect("equal")
    figure.savefig(path, dpi=150)


def animate(model, states, X, y, path):
    """Draw how the boundary moved, in the states that the model had at some steps."""
    titles = [f"step {step}: 0 on the line, -1 and 1 at the margins" for step in states]
    viz.animate_decision_boundary(
        model, list(states.values()), X, y, path, titles=titles, levels=(-1, 0, 1), vmax=3, size=(6.4, 3.9)
    )


def parse(arguments):
    """The command line."""
    parser = Parser("Tell two half-moons apart: micrograd's demo, batched.", out="out/moons")
    parser.set_defaults(seed=1337)  # of micrograd's notebook
    parser.add_argument("--steps", type=whole(1, 100_000), default=100, help="steps of gradient descent")
    parser.add_argument("--lr", type=positive, default=1.0, help="learning rate at the start; it falls to a tenth")
    parser.add_argument(
        "--scalar", type=whole(1, 1000), metavar="STEPS", help="also train STEPS steps scalar by scalar, to compare"
    )
    parser.add_argument("--gif", action="store_true", help="also animate the decision boundary over training")
    options = parser.parse_args(arguments)
    if options.gif and options.no_plots:
        parser.error("argument --gif: not allowed with --no-plots, which draws nothing")
    if options.scalar and options.scalar > options.steps:
        parser.error(f"argument --scalar: expected at most --steps, which is {options.steps}, got {options.scalar}")
    return options


def main(arguments=None):
    """Make the data, train, draw."""
    options = parse(arguments)
    X, y = make_moons(n_samples=100, noise=0.1, random_state=options.seed)
    y = 2 * y - 1  # -1 and 1
    random.seed(options.seed)  # the weights are micrograd's, from -1 to 1, and drawn in its order
    network = scalar.MLP(2, SIZES)
    model = matrices(network)
    start = time.perf_counter()
    losses, states = train(model, X, y, options)
    seconds = (time.perf_counter() - start) / options.steps
    print(f"{options.steps} steps in {seconds * options.steps:.2f} s")
    if options.scalar:
        compare(network, X, y, options, losses, seconds)
    if not options.no_plots:
        plot_surface(model, X, y, options.out / "surface.png")
        print(f"Picture: {options.out / 'surface.png'}")
    if options.gif:
        animate(model, states, X, y, options.out / "boundary.gif")
        print(f"Animation: {options.out / 'boundary.gif'}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(130)
