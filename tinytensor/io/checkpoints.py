"""Checkpointer: a folder of the last few states of a training, any of which it continues from bit by bit.

It knows files by their names only (``documents.py`` says what is in one), and refuses to know the training loop: that
says what takes part and when to save. Read next: ``documents.py``.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..arrays import Array
from ..optim.checks import whole
from . import atomic, documents, files
from .errors import FileError, in_words, one_line, path_of
from .states import FAULTS, check_parts, put_back, put_back_default, rolled_back

NAME = re.compile(r"checkpoint-(\d{8,18})\.safetensors")
LAST = 10**18 - 1


@dataclass(frozen=True)
class Checkpoint:
    """What `Checkpointer.restore` found.

    Attributes
    ----------
    step : int
        The number that it was saved under.
    values : dict
        The plain values that were saved with it.
    path : pathlib.Path
        Its file.
    """

    step: int
    values: dict[str, Any]
    path: Path


class Checkpointer:
    """The last few checkpoints of one training, in a folder.

    A checkpoint is there whole or not at all, whatever happens to the process that writes it: it is written beside its
    place, flushed to the disk, and renamed. Older ones are removed only then. One process writes to a folder.

    Parameters
    ----------
    folder : str or path-like
        Made when the first checkpoint is saved.
    keep : int or None
        How many are kept, the newest; None keeps all.
    allow_nan : bool
        Whether parts that hold NaN are saved. By default that is an error, so that a training that diverged does
        not push the good checkpoints out.

    Notes
    -----
    A training that was killed and restored goes on bit by bit as if nothing had happened, on the same machine with the
    same versions and number of BLAS threads, if all that it draws and changes is among the parts. A compiled step
    has to be called once for each shape and dtype of batch in `unchanged` before it is restored.
    Save within the loop over the batches, after the step, or when all that ends an epoch (the schedule's step) is done.
    What the modules and schedules *are*, is code, and not saved: make them alike, then restore.

    Examples
    --------
    A loop that can be killed at any moment, and started again by the same lines:

    >>> import tempfile
    >>> import numpy as np
    >>> import tinytensor as tt
    >>> from tinytensor.io import Checkpointer
    >>> X, y = np.eye(6, dtype=np.float32), np.arange(6) % 3
    >>> def train(folder, epochs):
    ...     rng = np.random.default_rng(0)
    ...     model = tt.nn.MLP(6, [8, 3], generator=rng)
    ...     optimizer = tt.optim.Adam(model.parameters(), lr=0.01)
    ...     schedule = tt.optim.ExponentialLR(optimizer, gamma=0.9)
    ...     loader = tt.data.batches(X, y, batch_size=2, rng=rng)
    ...     parts = dict(model=model, optimizer=optimizer, schedule=schedule, batches=loader, rng=rng)
    ...     checkpoints = Checkpointer(folder, keep=3)
    ...     found = checkpoints.restore(**parts)
    ...     step = found.step if found else 0
    ...     while loader.epoch < epochs:
    ...         for xb, yb in loader:
    ...             optimizer.zero_grad()
    ...             tt.nn.cross_entropy(model(xb), yb).backward()
    ...             optimizer.step()
    ...             step += 1
    ...             if step % 2 == 0:
    ...                 checkpoints.save(step, **parts)
    ...         schedule.step()
    ...     return model.state_dict(), checkpoints.steps()
    >>> straight, steps = train(tempfile.mkdtemp(), epochs=4)
    >>> steps
    [8, 10, 12]
    >>> folder = tempfile.mkdtemp()
    >>> _ = train(folder, epochs=2)
    >>> resumed, _ = train(folder, epochs=4)
    >>> all(np.array_equal(straight[name], resumed[name]) for name in straight)
    True
    """

    def __init__(self, folder: Any, keep: int | None = 3, *, allow_nan: bool = False) -> None:
        # Absolute, so that a later chdir does not lead elsewhere.
        self.folder = Path(os.path.abspath(path_of("Checkpointer", folder)))
        self.keep = None if keep is None else whole("Checkpointer", "keep", keep, 1)
        self.allow_nan = allow_nan
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "Checkpointer: this is a file; name a folder", str(self.folder))

    # ------------------------------------------------------------------------------------ what is there

    def steps(self) -> list[int]:
        """The numbers of the checkpoints in the folder, in increasing order; links and other files are passed over."""
        try:
            with os.scandir(self.folder) as entries:
                found = [e.name for e in entries if NAME.fullmatch(e.name) and e.is_file(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise in_words("Checkpointer", error, str(self.folder)) from None
        numbers = [int(name[len("checkpoint-") : -len(".safetensors")]) for name in found]
        return sorted(step for step, name in zip(numbers, found, strict=True) if self.path(step).name == name)

    def latest(self) -> int | None:
        """The number of the newest checkpoint, or None where there is none."""
        return max(self.steps(), default=None)

    def path(self, step: int) -> Path:
        """The file of a checkpoint, whether it is there or not."""
        if (number := whole("Checkpointer", "step", step, 0)) > LAST:
            raise ValueError(f"Checkpointer: step: expected at most {LAST:,}, got {step}")
        return self.folder / f"checkpoint-{number:08d}.safetensors"

    # ------------------------------------------------------------------------------------ there and back

    def save(self, step: int, *, values: Mapping[str, Any] | None = None, **parts: Any) -> Path:
        """Write the state of all parts as one checkpoint; then remove those that are too old.

        Parameters
        ----------
        step : int
            A number that grows: of the step, or of the epoch. The newest checkpoint may be replaced.
        values : mapping, optional
            Plain values to keep: numbers, strings, arrays, and lists and dicts of them. `restore` returns
            them; tuples become lists, NumPy's scalars Python's.
        **parts : Module, Optimizer, LRScheduler, Batches, numpy.random.Generator, or the like
            What takes part in the training, by names of your own; of your own classes, what has ``state_dict`` and
            ``load_state_dict``. The generators that stand in modules go with them, and so does the one of
            `manual_seed`.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        TypeError, ValueError
            For what can't be saved, for NaN, and where the folder has a later checkpoint. Nothing is written then.
        OSError
            Where the system refuses: a full disk, no permission. The checkpoints there stay.
        """
        path = self.path(step)
        check_parts("Checkpointer.save", parts)
        if (latest := self.latest()) is not None and latest > step:
            raise ValueError(
                f"Checkpointer.save: step {step}, but {self.folder} has step {latest} already; restore() continues "
                "from there, a new training needs a folder of its own"
            )
        data = documents.to_bytes(step, parts, dict(values or {}), self._check_nan)
        try:
            self._make_folder()
            atomic.swept(self.folder, NAME)
            atomic.write(path, data)
        except OSError as error:
            good = self.latest() if self.folder.is_dir() else None
            after = "; nothing was written" + (f", the last good checkpoint is step {good}" if good is not None else "")
            raise in_words("Checkpointer.save", error, str(path), after) from None
        self._remove_old()
        return path

    def restore(self, step: int | None = None, *, strict: bool = True, **parts: Any) -> Checkpoint | None:
        """Put all parts into the state of a checkpoint; where that fails, they stay as they were.

        Parameters
        ----------
        step : int, optional
            Which one; by default the newest.
        strict : bool
            Whether a part that was saved and is not asked for is an error: a training that forgets its
            generator goes on, but not as before. With False, the model alone can be taken; then the generator
            of `manual_seed` stays as it is.
        **parts : Any
            The parts by the names they were saved under, made as they were made then.

        Returns
        -------
        Checkpoint or None
            Its number and values; None where the folder has no checkpoint and `step` is not given.

        Raises
        ------
        FileError
            A ValueError: the file is damaged, or does not fit the parts.
        OSError
            Where there is no such checkpoint, or the system can't read it.
        """
        check_parts("Checkpointer.restore", parts)
        step = self.latest() if step is None else whole("Checkpointer", "step", step, 0)
        if step is None:
            return None
        path = self.path(step)
        if path.is_symlink():
            raise FileError(f"{path}: a symbolic link, which is never read as a checkpoint")
        try:
            found = documents.read(path, step)
        except FileError as error:
            hint = "; delete it, or restore another step" if len(self.steps()) > 1 else ""
            raise FileError(f"{error}{hint}") from None
        documents.match(path, set(parts), set(found["parts"]), strict)
        with rolled_back(parts):
            for name, part in parts.items():
                try:
                    put_back(part, found["parts"][name])
                except FAULTS as error:
                    kind = type(part).__name__
                    raise FileError(f"{path}: {name}: not a state of this {kind}: {one_line(error)}") from None
            if strict:
                try:
                    put_back_default(found["generator"])
                except FAULTS as error:
                    raise FileError(f"{path}: {one_line(error)}") from None
        return Checkpoint(step, found["values"], path)

    # ------------------------------------------------------------------------------------ within

    def _check_nan(self, arrays: Mapping[str, Array], step: int) -> None:
        """Nothing, where NaN is allowed or none of the arrays of the parts holds any."""
        for name, array in ({} if self.allow_nan else arrays).items():
            if problem := files.nan_problem(name, array):
                good = self.latest()
                last = "" if good is None else f"; the last good checkpoint is step {good}"
                raise ValueError(f"Checkpointer.save: step {step}: {problem}; nothing was written{last}")

    def _make_folder(self) -> None:
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True, exist_ok=True)
            atomic.flush_folder(self.folder.parent)

    def _remove_old(self) -> None:
        """Remove all but the newest; what can't be removed stays, since the checkpoint itself is saved."""
        for step in self.steps()[: -self.keep] if self.keep else []:
            try:
                self.path(step).unlink()
            except FileNotFoundError:  # somebody else removed it
                pass
            except OSError as error:
                text = "; the new checkpoint is saved, an old one could not be removed"
                raise in_words("Checkpointer.save", error, str(self.path(step)), text) from None

    def __repr__(self) -> str:
        return f"Checkpointer({str(self.folder)!r}, keep={self.keep}, steps={self.steps()})"
