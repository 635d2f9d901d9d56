"""Train a multilayer perceptron to read handwritten digits, and look at what it gets wrong.

The data are real: 1,797 digits of 8 by 8 pixels, written by 13 people, which come with scikit-learn.
Three quarters are for training, one quarter for the test, in the same proportions of each digit.

    python examples/digits.py
    python examples/digits.py --hidden 64 --epochs 10 --lr 0.01 --seed 3
    python examples/digits.py --seeds 5 --no-plots
"""

import os
import sys
from dataclasses import dataclass

# Matrices this small gain nothing from NumPy's threads, which would fight with any other program for the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

try:
    import tinytensor as tt  # noqa: I001  # before NumPy, to which it gives the right kernels
    import numpy as np
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from tqdm import tqdm

    from tinytensor import viz
except ImportError as error:
    sys.exit(f"error: {error.name.partition('.')[0]} is missing: pip install 'tinytensor[examples]'")

from options import Parser, positive, sizes, whole

SMOOTHING = 0.05  # the share of a target that goes to all digits alike: 98.6% right, and 98.0% without it
WEIGHT_DECAY = 0.01


@dataclass
class Digits:
    """The two parts of the data: pixels as the network sees them, and labels."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    images_test: np.ndarray  # as a person sees them


def load(seed):
    """Split the digits, and standardize both parts with what the training part alone tells."""
    images, labels = load_digits(return_X_y=True)
    train, test, y_train, y_test = train_test_split(
        images.astype(np.float32), labels, test_size=0.25, stratify=labels, random_state=seed
    )
    # One scale for all pixels: one for each would blow up those at the border, and 98.2% would be right.
    mean, scale = train.mean(axis=0), train.std()
    return Digits((train - mean) / scale, y_train, (test - mean) / scale, y_test, test.reshape(-1, 8, 8))


@tt.no_grad()
def evaluate(model, X, y):
    """The loss and the accuracy, without learning from them."""
    scores = model(X)
    return tt.nn.cross_entropy(scores, y).item(), np.mean(scores.argmax(axis=1) == y)


@np.errstate(over="ignore", invalid="ignore")  # where numbers overflow, the loss shows it
def train(digits, options, seed):
    """Train a new model, and return it with the loss and accuracy on both parts after each epoch."""
    rng = np.random.default_rng(seed)
    model = tt.nn.MLP(64, [*options.hidden, 10], generator=rng)
    loader = tt.data.batches(digits.X_train, digits.y_train, options.batch_size, rng=rng)
    optimizer = tt.optim.AdamW(model.parameters(), lr=options.lr, weight_decay=WEIGHT_DECAY)
    schedule = tt.optim.CosineAnnealingLR(optimizer, T_max=options.epochs * len(loader))
    history = []
    with tqdm(range(options.epochs), desc=f"seed {seed}", unit="epoch", leave=options.seeds == 1) as bar:
        for _ in bar:
            for X, y in loader:
                loss = tt.nn.cross_entropy(model(X), y, label_smoothing=SMOOTHING)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
            on_train = evaluate(model, digits.X_train, digits.y_train)
            on_test = evaluate(model, digits.X_test, digits.y_test)
            history.append((*on_train, *on_test))
            bar.set_postfix(loss=f"{on_train[0]:.3f}", accuracy=f"{on_train[1]:.1%}", test=f"{on_test[1]:.1%}")
            if not np.isfinite(on_train[0]):
                sys.exit(f"error: the loss is {on_train[0]}; the learning rate --lr {options.lr:g} is too high")
    return model, np.array(history)


# ---------------------------------------------------------------------------------------- results


def confusion(true, predicted):
    """How often each true digit (row) was read as each digit (column)."""
    table = np.zeros((10, 10), dtype=int)
    np.add.at(table, (true, predicted), 1)
    return table


def print_confusion(table):
    """Print the confusion matrix, with a dot for 0, and how many of each digit are read right."""
    print("\n         read as")
    print("true " + "".join(f"{digit:>5}" for digit in range(10)) + "    right")
    for digit, row in enumerate(table):
        cells = "".join(f"{count or '.':>5}" for count in row)
        print(f"{digit:>4} {cells} {row[digit] / row.sum():8.1%}")
    print()


def plot_curves(history, path):
    """Draw how loss and accuracy went, on the training and on the test part."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = np.arange(1, len(history) + 1)
    names = ("cross-entropy (nats)", "accuracy")
    for column, (axes, name) in enumerate(zip(figure.subplots(1, 2), names, strict=True)):
        curves = {"training": history[:, column], "test": history[:, column + 2]}
        viz.plot_losses(curves, x=epochs, xlabel="epoch", ylabel=name, title=name.partition(" ")[0], ax=axes)
    figure.axes[0].set_ylim(bottom=0)
    figure.axes[1].yaxis.set_major_formatter(PercentFormatter(1))
    figure.savefig(path, dpi=150)


def plot_classes(true, probabilities, path):
    """Draw how often each digit was read as each."""
    figure = Figure(figsize=(6.4, 6.4), layout="constrained")
    viz.plot_confusion(true, probabilities, ax=figure.subplots())
    figure.savefig(path, dpi=150)


def plot_pixels(model, path):
    """Draw what each neuron of the first layer looks for in the 8 by 8 pixels."""
    figure = Figure(figsize=(9, 4.4), layout="constrained")
    viz.plot_weights(model, shape=(8, 8), ax=figure.subplots())
    figure.savefig(path, dpi=150)


def plot_mistakes(images, true, probabilities, path, most=12, columns=6):
    """Draw the digits that were read wrong with the highest probability."""
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != true)
    worst = wrong[np.argsort(-confidence[wrong])][:most]
    rows = max(1, -(-len(worst) // columns))
    figure = Figure(figsize=(1.6 * columns, 2.1 * rows + 0.4), layout="constrained")
    figure.suptitle(f"The most confident of {len(wrong)} mistakes" if len(wrong) else "No mistakes")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(worst) :]:
        axes.axis("off")
    for axes, i in zip(grid, worst, strict=False):
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("lightgray")
        axes.imshow(images[i], cmap="gray_r", vmin=0, vmax=16)
        axes.set_title(f"{true[i]} read as {predicted[i]}\nwith {confidence[i]:.0%}", fontsize=10)
    figure.savefig(path, dpi=150)


# ------------------------------------------------------------------------------------------- main


def parse(arguments):
    """The command line."""
    parser = Parser("Train a classifier of handwritten digits.", out="out/digits")
    parser.add_argument("--hidden", type=sizes, default="128,64", metavar="SIZES", help="sizes of the hidden layers")
    parser.add_argument("--epochs", type=whole(1, 10_000), default=30, help="passes over the training part")
    parser.add_argument("--lr", type=positive, default=0.002, help="learning rate at the start; it falls to 0")
    parser.add_argument("--batch-size", type=whole(1, 10_000), default=64, help="digits per step")
    parser.add_argument("--seeds", type=whole(1, 1000), default=1, help="how many seeds to train with, from --seed on")
    return parser.parse_args(arguments)


def report(model, digits, history, options):
    """Print and draw what the model does on the test part."""
    with tt.no_grad():
        probabilities = tt.softmax(model(digits.X_test)).data
    print_confusion(confusion(digits.y_test, probabilities.argmax(axis=1)))
    if not options.no_plots:
        paths = [options.out / f"{name}.png" for name in ("curves", "mistakes", "confusion", "weights")]
        plot_curves(history, paths[0])
        plot_mistakes(digits.images_test, digits.y_test, probabilities, paths[1])
        plot_classes(digits.y_test, probabilities, paths[2])
        plot_pixels(model, paths[3])
        print(f"Pictures: {', '.join(map(str, paths))}")


def main(arguments=None):
    """Train with each seed, and report on the first."""
    options = parse(arguments)
    accuracies = []
    for seed in range(options.seed, options.seed + options.seeds):
        digits = load(seed)
        model, history = train(digits, options, seed)
        accuracies.append(history[-1, 3])
        print(f"seed {seed}: test accuracy {accuracies[-1]:.2%} of {len(digits.y_test)} digits")
        if len(accuracies) == 1:
            report(model, digits, history, options)
    if options.seeds > 1:
        print(f"mean of {options.seeds} seeds: {np.mean(accuracies):.2%}, lowest {min(accuracies):.2%}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(130)
