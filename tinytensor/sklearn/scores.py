"""Scores that are gathered part by part: the accuracy of a classifier, the R² of a regressor.

They give what scikit-learn's ``accuracy_score`` and ``r2_score`` give for all rows at once. Read next: ``training.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Accuracy:
    """The weighted share of the rows whose class, or all of whose labels, are right."""

    def __init__(self, out_activation: str) -> None:
        self.out_activation = out_activation
        self.right = self.total = 0.0

    def add(self, outputs: Any, y: Any, weights: Any) -> None:
        """Take rows into account."""
        if self.out_activation == "softmax":
            right = outputs.argmax(axis=1) == y
        else:
            right = np.all((outputs > 0) == (y > 0.5), axis=1)
        if weights is None:
            self.right += float(np.count_nonzero(right))
            self.total += len(right)
        else:
            self.right += float(weights[right].sum(dtype=np.float64))
            self.total += float(weights.sum(dtype=np.float64))

    def value(self) -> float:
        """The accuracy of all rows so far."""
        return self.right / self.total if self.total else float("nan")


class R2:
    """The share of the targets' variance that is explained, the mean over the outputs."""

    def __init__(self, out_activation: str) -> None:
        self.out_activation = out_activation
        self.shift: Any = None
        self.n = self.weight = 0.0
        self.sums: Any = 0.0
        self.squares: Any = 0.0
        self.errors: Any = 0.0

    def add(self, outputs: Any, y: Any, weights: Any) -> None:
        """Take rows into account."""
        y = y.astype(np.float64)
        if self.shift is None:
            self.shift = y.mean(axis=0)  # so that the squares are not of a large mean
        found = np.exp(outputs) if self.out_activation == "exp" else outputs
        w = np.ones((len(y), 1)) if weights is None else weights.astype(np.float64)[:, None]
        centred = y - self.shift
        self.n += len(y)
        self.weight += float(w.sum())
        self.sums = self.sums + (w * centred).sum(axis=0)
        self.squares = self.squares + (w * centred**2).sum(axis=0)
        self.errors = self.errors + (w * (y - found) ** 2).sum(axis=0)

    def value(self) -> float:
        """R² of all rows so far; nan for fewer than two."""
        if self.n < 2 or not self.weight:
            return float("nan")
        spread = self.squares - self.sums**2 / self.weight
        flat = spread <= 1e-12 * np.maximum(self.squares, 1e-300)
        constant = np.where(self.errors == 0, 1.0, 0.0)  # as scikit-learn has it
        return float(np.mean(np.where(flat, constant, 1 - self.errors / np.where(flat, 1.0, spread))))
