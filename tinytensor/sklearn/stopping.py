"""When a training ends by itself: scikit-learn's rule, with the best weights kept where there are validation data.

Read next: ``training.py``.
"""

from __future__ import annotations

import math
from typing import Any


class Stopping:
    """Counts the epochs since the last improvement by more than `tol`.

    Parameters
    ----------
    tol, patience : float
        The improvement that counts, and how many epochs may pass without one.
    by_score : bool
        Whether the validation score is watched (early stopping); otherwise the training loss is.
    """

    def __init__(self, tol: float, patience: float, by_score: bool) -> None:
        self.tol, self.patience, self.by_score = tol, patience, by_score
        self.waited = 0
        self.best_loss, self.best_score = math.inf, -math.inf
        self.best_weights: dict[str, Any] | None = None
        self.best_epoch = 0

    def look(self, estimator: Any, epoch: int) -> bool:
        """Take the last epoch into account; whether there was no improvement for too long."""
        if self.by_score:
            score = estimator.validation_scores_[-1]
            self.waited = 0 if score >= self.best_score + self.tol else self.waited + 1
            if score > self.best_score or self.best_weights is None:
                self.best_score, self.best_epoch = score, epoch
                self.best_weights = estimator.model_.state_dict()
        else:
            loss = estimator.loss_curve_[-1]
            self.waited = 0 if loss <= self.best_loss - self.tol else self.waited + 1
            if loss < self.best_loss:
                self.best_loss, self.best_epoch = loss, epoch
        return self.waited > self.patience
