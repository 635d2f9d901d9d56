"""Minibatches: a data set in pieces, shuffled or in order, without a copy of the whole.

It knows arrays and Tensors by their first axis and refuses to know what is in them: no files, no
transformations, no worker processes. Read next: ``nn/module.py``, whose models the batches are for.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import creation
from .tensor import Tensor


@dataclass
class _Progress:
    """One epoch that is under way: its order, the generator's state before that was drawn, and the batches given."""

    order: np.ndarray[Any, Any] | None
    before: dict[str, Any] | None
    position: int = 0


class Batches:
    """The minibatches of a data set; `batches` makes one.

    It can be iterated any number of times, and shuffles anew each time; ``len`` is the number of batches. Where the
    latest epoch is, can be saved and loaded: see `state_dict`.

    Attributes
    ----------
    epoch : int
        How many epochs were iterated to their end.
    """

    def __init__(
        self, X: Any, y: Any, batch_size: int, shuffle: bool, rng: np.random.Generator | None, drop_last: bool
    ) -> None:
        self.X, self.y = X, y
        self.batch_size, self.shuffle, self.drop_last = batch_size, shuffle, drop_last
        self._rng = rng
        self.epoch = 0
        self._progress: _Progress | None = None  # of the epoch begun last, until its end
        self._loaded = False  # whether the next epoch continues from there

    def __len__(self) -> int:
        whole, rest = divmod(len(self.X), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        if self._progress is None or not self._loaded:
            # Drawn here and not at the first batch: two epochs that are begun in order are shuffled in that order.
            generator = creation.rng(self._rng) if self.shuffle else None
            before = None if generator is None else generator.bit_generator.state
            order = None if generator is None else generator.permutation(len(self.X))
            self._progress = _Progress(order, dict(before) if before else None)
        self._loaded = False
        return self._walk(self._progress)

    def _walk(self, progress: _Progress) -> Iterator[Any]:
        while progress.position < len(self):
            start = progress.position * self.batch_size
            rows: Any = slice(start, start + self.batch_size)
            if progress.order is not None:
                rows = progress.order[rows]
            progress.position += 1  # what was given counts, since it is trained on before anybody asks
            yield take(self.X, rows) if self.y is None else (take(self.X, rows), take(self.y, rows))
        self.epoch += 1
        if self._progress is progress:
            self._progress = None

    def state_dict(self) -> dict[str, Any]:
        """Where in the data the iteration is: the epoch, the batches given of it, and the generator's states.

        A batch counts once it is given. So save after the step on it, inside the loop or between epochs.

        Returns
        -------
        dict
            ``"made"``: what the batches were made with; ``"epoch"``; ``"position"``: how many batches of the epoch
            under way were given, None between epochs; ``"before"``: the generator's state before this epoch's order was
            drawn; ``"generator"``: its state now, None for tinytensor's own generator.

        Examples
        --------
        >>> import tinytensor as tt
        >>> def loader():
        ...     return tt.data.batches(np.arange(6), batch_size=2, rng=np.random.default_rng(0))
        >>> first = loader()
        >>> for number, batch in enumerate(first):
        ...     if number == 1:
        ...         state = first.state_dict()
        ...     print(batch)
        [3 2]
        [5 4]
        [0 1]
        >>> resumed = loader()
        >>> resumed.load_state_dict(state)
        >>> list(resumed)
        [array([0, 1])]
        """
        progress = self._progress
        return {
            "made": self._made(),
            "epoch": self.epoch,
            "position": None if progress is None else progress.position,
            "before": None if progress is None else progress.before,
            "generator": None if self._rng is None else self._rng.bit_generator.state,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to where other batches of the same data were; the next iteration gives the rest of that epoch.

        Parameters
        ----------
        state : dict
            From `state_dict` of batches made alike. The data themselves are not saved: only their number is compared.

        Raises
        ------
        TypeError, ValueError
            Where the state is not one of such batches; nothing is changed then.
        """
        if not isinstance(state, dict) or state.keys() != self.state_dict().keys():
            raise TypeError("Batches: expected a dict from state_dict()")
        if state["made"] != self._made():
            raise ValueError(f"Batches: the state is of batches with {state['made']}, these have {self._made()}")
        epoch, position = state["epoch"], state["position"]
        if type(epoch) is not int or epoch < 0:
            raise ValueError(f"Batches: epoch: expected a whole number ≥ 0, got {epoch!r}")
        progress = None
        if position is not None:
            if type(position) is not int or not 0 <= position <= len(self):
                raise ValueError(f"Batches: position: expected a whole number from 0 to {len(self)}, got {position!r}")
            progress = _Progress(None, None, position)
            if self.shuffle:
                drawn_from = at_state(creation.rng(self._rng), state["before"])
                progress = _Progress(drawn_from.permutation(len(self.X)), state["before"], position)
        if self._rng is not None:
            self._rng.bit_generator.state = at_state(self._rng, state["generator"]).bit_generator.state
        self.epoch, self._progress, self._loaded = epoch, progress, progress is not None

    def _made(self) -> dict[str, Any]:
        """What has to be equal for an order to mean the same batches."""
        return {
            "samples": len(self.X),
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "drop_last": self.drop_last,
            "rng": self._rng is not None,
        }

    def __repr__(self) -> str:
        return (
            f"Batches({len(self.X)} samples in {len(self)} batches, batch_size={self.batch_size}, "
            f"shuffle={self.shuffle}, drop_last={self.drop_last})"
        )


def batches(
    X: Any,
    y: Any = None,
    batch_size: int = 32,
    shuffle: bool = True,
    rng: np.random.Generator | None = None,
    drop_last: bool = False,
) -> Batches:
    """The minibatches of `X` and `y`, for one epoch or many.

    Parameters
    ----------
    X : ndarray, memmap or Tensor
        Samples along the first axis. A list is refused: it would be copied whole to become an array.
    y : ndarray, memmap or Tensor, optional
        A label for each sample.
    batch_size : int
        The last batch is smaller where the samples run out.
    shuffle : bool
        A new random order in each epoch, and batches that are copies; otherwise views, in order.
    rng : numpy.random.Generator, optional
        tinytensor's own by default: see `manual_seed`.
    drop_last : bool
        Leave out a last batch that would be smaller.

    Returns
    -------
    Batches
        An iterable of pairs ``(X[rows], y[rows])``, of ``X[rows]`` alone without `y`; ``len`` counts them. Each
        iteration is one epoch. Tensors give Tensors, arrays give arrays.

    Raises
    ------
    TypeError, ValueError
        At this call, not at the first batch: for other kinds of data, lengths that differ, no data, or
        a batch size that is not a whole number from 1.

    Examples
    --------
    >>> import tinytensor as tt
    >>> X, y = np.arange(10.0).reshape(5, 2), np.arange(5)
    >>> for xb, yb in tt.data.batches(X, y, batch_size=2, shuffle=False):
    ...     print(xb.shape, yb)
    (2, 2) [0 1]
    (2, 2) [2 3]
    (1, 2) [4]
    >>> loader = tt.data.batches(X, y, batch_size=2, rng=np.random.default_rng(0))
    >>> len(loader)
    3
    >>> for epoch in range(2):  # each in another order
    ...     print(sorted(label for _, yb in loader for label in yb.tolist()))
    [0, 1, 2, 3, 4]
    [0, 1, 2, 3, 4]
    """
    samples = _length("X", X)
    if y is not None and _length("y", y) != samples:
        raise ValueError(f"batches: X has {samples} samples and y {len(y)} (shapes {X.shape} and {y.shape})")
    if not samples:
        raise ValueError(f"batches: X has no samples, its shape is {X.shape}")
    size = _whole(batch_size)
    for name, value in (("shuffle", shuffle), ("drop_last", drop_last)):
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"batches: {name}: expected True or False, got {value!r}")
    creation.rng(rng)  # checked now; without one, the default of the time of iteration is used
    if drop_last and samples < size:
        raise ValueError(f"batches: drop_last would leave no batch of {size} from {samples} samples; lower batch_size")
    return Batches(X, y, size, bool(shuffle), rng, bool(drop_last))


def at_state(generator: np.random.Generator, state: Any) -> np.random.Generator:
    """A generator of the same kind at a state that was read from ``bit_generator.state``.

    Parameters
    ----------
    generator : numpy.random.Generator
        Says the kind; it is not changed.
    state : dict
        May come from a file: it is checked before NumPy's C code takes it.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    ValueError
        Where it is not a state of such a generator.

    Examples
    --------
    >>> from tinytensor.data import at_state
    >>> generator = np.random.default_rng(0)
    >>> state = generator.bit_generator.state
    >>> bool(generator.random() == at_state(generator, state).random())
    True
    """
    kind = type(generator.bit_generator).__name__
    if not isinstance(state, dict) or state.get("bit_generator") != kind:
        given = state.get("bit_generator") if isinstance(state, dict) else type(state).__name__
        raise ValueError(f"generator: expected the state of a {kind}, got that of {given!r}")
    found = copy.deepcopy(generator)
    try:
        inner = state.get("state", {})
        # Places in a buffer, which NumPy believes without a look.
        for place, end in ((inner.get("pos", 0), 624), (state.get("buffer_pos", 0), 4)):
            if not 0 <= operator.index(place) <= end:
                raise ValueError(f"the place {place} lies outside of the buffer")
        found.bit_generator.state = state
    except (ValueError, TypeError, LookupError, OverflowError, AttributeError) as error:
        raise ValueError(f"generator: not a state of a {kind}: {error}") from None
    return found


def take(data: Any, rows: Any) -> Any:
    """``data[rows]``; NumPy's ``take`` copies the rows of a matrix three times faster than its index does."""
    return data.take(rows, axis=0) if type(data) is np.ndarray and type(rows) is not slice else data[rows]


def _length(name: str, data: Any) -> int:
    """The number of samples, where `data` is something to take samples from."""
    if not isinstance(data, (np.ndarray, Tensor)):
        raise TypeError(
            f"batches: {name}: expected an ndarray or a Tensor, got {type(data).__name__}; np.asarray makes one"
        )
    if not data.ndim:
        raise ValueError(f"batches: {name} is 0-d; samples lie along the first axis")
    return len(data)


def _whole(batch_size: Any) -> int:
    try:
        size = operator.index(batch_size)
    except TypeError:
        raise TypeError(f"batches: batch_size: expected a whole number, got {batch_size!r}") from None
    if isinstance(batch_size, bool) or size < 1:
        raise ValueError(f"batches: batch_size: expected a whole number ≥ 1, got {batch_size!r}")
    return size
