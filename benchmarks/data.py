"""Save the data of the digits and of the moons, so that no contestant imports scikit-learn (and its threads) for them.

python -m benchmarks.data FOLDER
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, make_moons
from sklearn.model_selection import train_test_split


def save(folder):
    """Write ``digits.npz`` and ``moons.npz``."""
    images, labels = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(images, labels, test_size=0.25, stratify=labels, random_state=0)
    mean, scale = X.mean(axis=0), X.std()
    X, X_test = (((part - mean) / scale).astype(np.float32) for part in (X, X_test))
    np.savez(folder / "digits.npz", X=X, y=y, X_test=X_test, y_test=y_test)
    points, sides = make_moons(n_samples=100, noise=0.1, random_state=1337)
    np.savez(folder / "moons.npz", X=points, y=2 * sides - 1)


if __name__ == "__main__":
    save(Path(sys.argv[1]))
