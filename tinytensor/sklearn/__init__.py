"""Estimators for scikit-learn: `MLPClassifier` and `MLPRegressor`, trained by tinytensor.

They have scikit-learn's interface and the names of its own multilayer perceptrons, and what these lack: weights of
classes, dropout, any activation and loss, validation data of one's own, curves, callbacks, schedules, clipping.
Within this folder ``import sklearn`` is scikit-learn. It knows nothing of files and of the command line.

Read in this order: ``base.py`` (the way of a fit), ``classifier.py``, ``regressor.py``, ``data.py``, ``rows.py``
(batches), ``objective.py`` (the loss), ``step.py``, ``training.py`` (the loop), ``stopping.py``, ``callbacks.py``,
``state.py`` (going on in another process).
"""

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError:
    raise ImportError("tinytensor.sklearn needs scikit-learn 1.6 or newer: pip install 'tinytensor[sklearn]'") from None

from .callbacks import Callback
from .classifier import MLPClassifier
from .errors import DivergenceError
from .regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "Callback", "DivergenceError"]
