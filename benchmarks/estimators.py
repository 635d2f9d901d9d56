"""`tinytensor.sklearn.MLPClassifier` beside scikit-learn's: accuracy over seeds, and training time, as markdown tables.

Each seed makes another split, other initial weights and other orders, the same for both. Trainings alternate, so that
what else the machine does falls on both alike. Times are the processor's, with one thread for each: on a machine with
nothing else to do they are those of the clock, whose ratio is given too.

    python benchmarks/estimators.py
    python benchmarks/estimators.py --seeds 3 --rounds 5 --json out/estimators.json
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # both alone, on equal threads; products this small gain nothing

import tinytensor.sklearn as ours  # before NumPy, for the kernels  # isort: skip

import argparse
import json
import statistics
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sklearn import neural_network as theirs
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

# The same for both; what is not named has the default of both.
DATA = {
    "digits": (load_digits, {"hidden_layer_sizes": (128, 64), "batch_size": 64}),
    "breast cancer": (load_breast_cancer, {"learning_rate_init": 0.01}),
    "wine": (load_wine, {"learning_rate_init": 0.01}),
    "iris": (load_iris, {"learning_rate_init": 0.01}),
}


@dataclass
class Accuracy:
    """Test accuracies of one data set by seed."""

    data: str
    mine: list[float]
    other: list[float]

    def difference(self):
        """The mean difference of the pairs, and its standard error."""
        differences = np.subtract(self.mine, self.other)
        return differences.mean(), standard_error(differences)


@dataclass
class Time:
    """Seconds of fits by round, the processor's and the clock's."""

    what: str
    mine: list[tuple[float, float]]
    other: list[tuple[float, float]]
    epochs: tuple[int, int]

    def medians(self, clock=0):
        """The median seconds of both."""
        return [statistics.median(seconds[clock] for seconds in each) for each in (self.mine, self.other)]

    def ratio(self, clock=0):
        """The ratio of the medians, and the quartiles of the rounds' ratios."""
        mine, other = self.medians(clock)
        each = np.divide([row[clock] for row in self.mine], [row[clock] for row in self.other])
        return mine / other, *np.quantile(each, [0.25, 0.75])


def standard_error(values):
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def split(load, seed, dtype=np.float64):
    X, y = load(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.25, random_state=seed, stratify=y)
    scaler = StandardScaler().fit(X)
    return scaler.transform(X).astype(dtype), scaler.transform(X_test).astype(dtype), y, y_test


def accuracy(name, seeds):
    load, options = DATA[name]
    found = Accuracy(name, [], [])
    for seed in range(seeds):
        X, X_test, y, y_test = split(load, seed)
        for module, scores in ((ours, found.mine), (theirs, found.other)):
            scores.append(module.MLPClassifier(random_state=seed, **options).fit(X, y).score(X_test, y_test))
    return found


def timed(name, rounds, dtype=np.float64, **more):
    load, options = DATA[name]
    X, _, y, _ = split(load, 0, dtype)
    found, epochs = Time(name, [], [], (0, 0)), {}
    for _ in range(rounds):
        for module, seconds in ((ours, found.mine), (theirs, found.other)):
            model = module.MLPClassifier(random_state=0, **options, **more)
            start = time.process_time(), time.perf_counter()
            model.fit(X, y)
            seconds.append((time.process_time() - start[0], time.perf_counter() - start[1]))
            epochs[module] = model.n_iter_
    found.epochs = epochs[ours], epochs[theirs]
    return found


def tables(accuracies, times):
    yield "| data | tinytensor | scikit-learn | difference |"
    yield "|---|---|---|---|"
    for row in accuracies:
        mine, other = (f"{np.mean(a):.2%} ± {standard_error(a):.2%}" for a in (row.mine, row.other))
        mean, error = row.difference()
        yield f"| {row.data} | {mine} | {other} | {mean:+.2%} ± {error:.2%} |"
    yield ""
    yield "| training | epochs | tinytensor | scikit-learn | ratio (quartiles) | by the clock |"
    yield "|---|---|---|---|---|---|"
    for row in times:
        mine, other = row.medians()
        ratio, low, high = row.ratio()
        epochs = str(row.epochs[0]) if row.epochs[0] == row.epochs[1] else f"{row.epochs[0]} and {row.epochs[1]}"
        ratios = f"{ratio:.2f} ({low:.2f} to {high:.2f}) | {row.ratio(1)[0]:.2f}"
        yield f"| {row.what} | {epochs} | {mine:.3f} s | {other:.3f} s | {ratios} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="trainings for each accuracy (default: 10)")
    parser.add_argument("--rounds", type=int, default=9, help="trainings for each time (default: 9)")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    given = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    times = [timed(name, given.rounds) for name in DATA]
    exact = {"tol": 0.0, "n_iter_no_change": np.inf, "max_iter": 40}
    for what, dtype in (("digits, 40 epochs", np.float64), ("digits, 40 epochs, X of float32", np.float32)):
        found = timed("digits", given.rounds, dtype, **exact)
        found.what = what
        times.append(found)
    accuracies = [accuracy(name, given.seeds) for name in DATA]
    print("\n".join(tables(accuracies, times)))
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        figures = {"accuracies": [asdict(a) for a in accuracies], "times": [asdict(t) for t in times]}
        given.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
