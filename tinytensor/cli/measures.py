"""How good predictions are, gathered part by part so that a file of any length can be evaluated.

Precision, recall and F1 are those of scikit-learn's ``precision_recall_fscore_support``; R² that of ``r2_score``. It
knows no file. Read next: ``report.py``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import Array
from .targets import Target


class Confusion:
    """Counts of (true class, predicted class).

    Parameters
    ----------
    target : Target
    """

    def __init__(self, target: Target) -> None:
        self.classes = target.classes
        self.table: Array = np.zeros((len(target.classes), len(target.classes)), np.int64)

    def add(self, true: Array, found: Array) -> None:
        """Take rows into account, by class numbers."""
        np.add.at(self.table, (true, found), 1)

    def measures(self) -> dict[str, Any]:
        """Accuracy, its baseline, and precision, recall and F1 of each class, as plain numbers."""
        table = self.table.astype(np.float64)
        right, rows, columns = np.diag(table), table.sum(axis=1), table.sum(axis=0)
        total = float(table.sum())
        precision, recall, f1 = _ratio(right, columns), _ratio(right, rows), _ratio(2 * right, rows + columns)
        return {
            "rows": int(total),
            "accuracy": float(right.sum() / total),
            "baseline": float(rows.max() / total),
            "most frequent class": self.classes[int(rows.argmax())],
            "balanced accuracy": float(recall[rows > 0].mean()),
            "macro F1": float(f1[(rows > 0) | (columns > 0)].mean()),
            "classes": {
                name: {"precision": p, "recall": r, "F1": f, "rows": int(count)}
                for name, p, r, f, count in zip(
                    self.classes, precision.tolist(), recall.tolist(), f1.tolist(), rows, strict=True
                )
            },
            "confusion": self.table.tolist(),
        }


class Errors:
    """Sums over the differences between true and predicted numbers."""

    def __init__(self) -> None:
        self.count, self.shift = 0, 0.0
        self.sums = self.squares = self.absolute = self.squared = 0.0

    def add(self, true: Array, found: Array) -> None:
        """Take rows into account."""
        if not self.count:
            self.shift = float(true[0])  # so that the squares are not of a large mean
        centred, errors = true - self.shift, true - found
        self.count += len(true)
        self.sums += float(centred.sum())
        self.squares += float((centred**2).sum())
        self.absolute += float(np.abs(errors).sum())
        self.squared += float((errors**2).sum())

    def measures(self) -> dict[str, Any]:
        """R², mean absolute error and root of the mean square, and what always saying the mean would give."""
        spread = self.squares - self.sums**2 / self.count
        spread = spread if spread > 1e-12 * self.squares else 0.0
        return {
            "rows": self.count,
            "R2": 1 - self.squared / spread if spread else None,
            "MAE": self.absolute / self.count,
            "RMSE": math.sqrt(self.squared / self.count),
            "baseline RMSE": math.sqrt(spread / self.count),
        }


def measure_for(target: Target) -> Any:
    """The measures that fit the task."""
    return Confusion(target) if target.task == "classification" else Errors()


def _ratio(above: Array, below: Array) -> Array:
    """The quotient, 0 where there is nothing to divide by."""
    found: Array = np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
    return found
