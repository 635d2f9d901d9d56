"""The error for a training that diverged, and the words of its remedy. Read next: ``training.py``."""

from __future__ import annotations

from typing import Any

import numpy as np


class DivergenceError(ValueError):
    """The loss or the weights became infinite or nan; the message names the epoch, the learning rate and the remedy.

    A fit that fails so leaves an estimator that is not fitted; one that went on from a fitted model (`warm_start`,
    ``partial_fit``) gives the model back as it was before the call.
    """


def diverged(estimator: Any, what: str, epoch: int, batch: int | None, data: Any) -> DivergenceError:
    """The error, with what may have been the cause."""
    lr = estimator.optimizer_.lr if hasattr(estimator, "optimizer_") else None
    where = f"epoch {epoch}" + (f", batch {batch}" if batch is not None else "")
    rate = "" if lr is None else f" with a learning rate of {lr:g}"
    lower = "" if lr is None else f"Lower learning_rate_init (try {lr / 10:g}), "
    size = data.largest() if data is not None else None
    cause = ""
    if size is not None and size > float(np.finfo(estimator.dtype).max):
        cause = f" X has values up to {size:.3g}, which {np.dtype(estimator.dtype)} can't hold."
    elif size is not None and size > 100:
        cause = f" X has values up to {size:.3g}."
    return DivergenceError(
        f"{type(estimator).__name__}: training diverged: {what} at {where}{rate}.{cause} {lower}"
        f"{'bound the gradients with clip_norm=1.0, ' if estimator.solver != 'lbfgs' else ''}"
        "or standardize X (sklearn.preprocessing.StandardScaler)"
    )
