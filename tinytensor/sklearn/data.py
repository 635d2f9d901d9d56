"""From what a user gives to rows that can be trained on: checks, weights, streams, and the part that is set aside.

The subclasses say what targets mean (`_encode`, `_weigh`, `_strata`). Nothing here knows a network.
Read next: ``rows.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import validate_data

from .rows import MERGED, Rows, Stream, is_stream


class TakesData(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """The part of an estimator that checks and encodes data."""

    _numeric_targets: ClassVar[bool] = False

    # ---------------------------------------------------------------------- what the subclasses know

    def _encode(self, y: Any, first: bool, classes: Any = None) -> Any:
        """Targets as the loss wants them; at first, learn what there is."""
        raise NotImplementedError

    def _weigh(self, y: Any, weights: Any, partly: bool) -> Any:
        """The weights of the rows or None; `partly` says that `y` is not all there is."""
        return weights

    def _strata(self, y: Any) -> Any:
        """What the classes of encoded targets are, for a split that keeps their shares; None where there are none."""
        return None

    # ----------------------------------------------------------------------------------------- data

    def _data(self, X: Any, y: Any, sample_weight: Any, classes: Any, going_on: bool, incremental: bool) -> Any:
        """The training data, checked and encoded."""
        first = not going_on
        if is_stream(X):
            if y is not None:
                raise ValueError(f"X gives blocks (X, y) one after another ({type(X).__name__}); leave y out")
            if sample_weight is not None:
                raise ValueError("the weights of a stream come with its blocks: (X, y, sample_weight)")
            return self._stream(X, classes, first)
        X, y = self._checked(X, y, first)
        weights = self._checked_weights(sample_weight, X.shape[0])
        targets = self._encode(y, first, classes)
        weights = self._weigh(y, weights, incremental)
        if weights is not None and not weights.any():
            raise ValueError("the sample weights of all rows are zero; at least one row must count")
        return Rows(X, targets, weights, self.dtype)

    def _checked(self, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
        """X and y as arrays or sparse matrices of finite numbers; the dtype of X stays, so that nothing is copied."""
        options = {"multi_output": True, "y_numeric": self._numeric_targets}
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype="numeric", reset=reset, **options)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y.toarray() if hasattr(y, "toarray") else y

    def _checked_weights(self, sample_weight: Any, n: int) -> Any:
        """The weights as an array of n numbers ≥ 0, or None."""
        if sample_weight is None:
            return None
        if isinstance(sample_weight, Real):
            sample_weight = np.full(n, float(sample_weight))
        weights = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
        if weights.shape != (n,):
            raise ValueError(f"sample_weight has shape {weights.shape}, expected ({n},): one for each row of X")
        if weights.min() < 0:
            raise ValueError(f"sample_weight must be ≥ 0, got {weights.min():g}")
        return weights

    def _stream(self, source: Any, classes: Any, first: bool) -> Stream:
        """A stream of blocks; its first block tells the number of features."""

        def encode(X: Any, y: Any, weights: Any) -> Rows:
            X, y = self._checked(X, y, False)
            weights = self._weigh(y, self._checked_weights(weights, X.shape[0]), True)
            return Rows(X, self._encode(y, False), weights, self.dtype)

        stream = Stream(source, encode)
        if first:
            X, y, _ = stream.peek()
            _, y = self._checked(X, y, True)
            self._learn_targets(stream, y, classes)
        return stream

    def _learn_targets(self, stream: Stream, y: Any, classes: Any) -> None:
        """What targets there are, from the first block of a stream."""
        self._encode(y, True, classes)

    def _split(self, data: Any, validation_data: Any) -> tuple[Any, Rows | None]:
        """Training and validation rows: data of the user's, or a part that early stopping sets aside."""
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
                raise ValueError("validation_data must be a pair (X, y) or a triple (X, y, sample_weight)")
            X, y, *weights = validation_data
            X, y = self._checked(X, y, False)
            weight = self._checked_weights(weights[0] if weights else None, X.shape[0])
            return data, Rows(X, self._encode(y, False), weight, self.dtype)
        if not self.early_stopping or self.solver == "lbfgs":
            return data, None
        if isinstance(data, Stream):
            raise ValueError("early_stopping can't set rows of a stream aside; give validation_data")
        strata = self._strata(data.y)
        if strata is not None and not self._can_be_split(strata):
            strata = None
        index, held_out = train_test_split(
            np.arange(len(data)), random_state=self._random_state, test_size=self.validation_fraction, stratify=strata
        )
        if len(held_out) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return data.subset(index), data.subset(held_out)

    def _can_be_split(self, strata: Any) -> bool:
        """Whether each class has two rows, and both parts have room for one of each."""
        counts = np.unique(strata, return_counts=True)[1]
        held_out = math.ceil(len(strata) * self.validation_fraction)
        return bool(counts.min() >= 2 and min(held_out, len(strata) - held_out) >= len(counts))

    def _is_one_batch(self, n: int) -> bool:
        """Whether every step sees all rows, and these are so few that equal ones are worth merging."""
        one = self.solver == "lbfgs" or self._size_of_batch(n, False) >= n
        return one and n <= MERGED and not self.dropout

    def _size_of_batch(self, n: int, stream: bool) -> int:
        """The rows of a batch, of `n` that there are; a block of a stream is a batch, unless a size is given."""
        if self.batch_size == "auto":
            return n if stream else min(200, n)
        return max(1, min(int(self.batch_size), n))


def of_stream(stream: Stream, prepare: Any) -> Iterator[Any]:
    """What `prepare` makes of the targets of each block of one pass."""
    for _, y, _ in stream.raw():
        yield prepare(y)
