"""DistributedOptimizer: any optimizer, with the gradients averaged over all ranks before its update.

It knows no update rule and no data: how many samples this rank's gradient stands for, it is told.
Read next: ``gradients.py``, what is sent.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..compiler.origins import CompileError, here
from ..modes import mode
from ..optim.base import Optimizer
from ..optim.checks import named, number, whole
from . import ending
from .gradients import GradientBuffer
from .state import broadcast, same, tree_from
from .world import communicator, library

OWN = frozenset(("optimizer", "comm", "steps", "extra", "_buffer", "_divisor", "_finished"))
TWO = """\
    @tt.compile
    def gradients(x, y):
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        return loss

    loss = gradients(x, y)
    optimizer.step(samples=len(x))"""


class DistributedOptimizer(Optimizer):
    """An optimizer whose step is made by all ranks together, on the mean of their gradients.

    All ranks make it with models that are alike; it gives them rank 0's parameters and buffers. From then on every
    step is the one that a single process would make on all ranks' samples, up to rounding, and the parameters
    stay equal on all ranks.

    Parameters
    ----------
    optimizer : Optimizer
        What makes the update. From now on it is stepped through this one only; all else (``lr``, the options,
        ``state_dict``) is reached by either.
    comm : mpi4py.MPI.Comm, optional
        The processes that train together; all of the job by default. It is duplicated.
    extra : int
        How many numbers of your own each step adds up over the ranks, in the same Allreduce.

    Attributes
    ----------
    optimizer : Optimizer
        The one that was given.
    comm : mpi4py.MPI.Comm
        Its own communicator.
    steps : int
        How many steps it has made.
    extra : ndarray of shape (extra,)
        Write this rank's numbers here before a step, such as the loss times the samples; afterwards the sums over
        all ranks are here.

    Raises
    ------
    ImportError
        Without mpi4py.
    ValueError
        On every rank, where the ranks' parameters differ in number, shape or dtype, or their optimizers in class or
        options.

    Notes
    -----
    The loss has to be a *mean* over the samples of this rank's part, as the losses of `nn` are. One Allreduce
    per step carries, in one buffer, all gradients times the samples that they stand for, and the number of samples; so
    parts of unequal sizes, empty ones too, give the mean over all samples [1]_. A parameter that has a gradient on
    some ranks only counts as zero on the others; one that has none anywhere is passed over, as without MPI.

    Batch normalization and the like see their own rank's samples only.

    Where ranks make different numbers of steps, the first to end tells the others, and all end with an error. An
    exception that a rank does not catch ends the job; MPI alone would let the others wait for ever.

    On several ranks ``p.grad`` is a view of the buffer after a step, and written over by the next: copy it to keep it.

    A step inside `tinytensor.compile` is an error, since a trace can't hold what other processes send: compile the
    function that computes the gradients, and step outside.

    References
    ----------
    .. [1] A. Sergeev, M. Del Balso, "Horovod: fast and easy distributed deep learning in TensorFlow",
       arXiv:1802.05799, 2018: the interface, and averaging in a wrapper around the optimizer.

    Examples
    --------
    The same lines run alone, and as ``mpiexec -n 4 python train.py``:

    >>> import numpy as np
    >>> import tinytensor as tt
    >>> from tinytensor import mpi
    >>> X, y = np.eye(6, dtype=np.float32), np.arange(6) % 3
    >>> model = tt.nn.MLP(6, [8, 3], generator=np.random.default_rng(0))
    >>> optimizer = mpi.DistributedOptimizer(tt.optim.SGD(model.parameters(), lr=0.5))
    >>> batches = mpi.batches(X, y, batch_size=2)  # of each rank
    >>> for epoch in range(20):
    ...     for xb, yb in batches:
    ...         optimizer.zero_grad()
    ...         if len(xb):  # a small last batch may leave none for this rank
    ...             loss = tt.nn.cross_entropy(model(xb), yb)
    ...             loss.backward()
    ...         optimizer.step(samples=len(xb))
    >>> loss.item() < 0.5
    True
    """

    def __init__(self, optimizer: Optimizer, comm: Any = None, extra: int = 0) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"DistributedOptimizer: expected an optimizer, got {type(optimizer).__name__}")
        if isinstance(optimizer, DistributedOptimizer) or "step" in vars(optimizer):
            raise ValueError("DistributedOptimizer: this optimizer is part of one already; make one of each")
        for position, p in enumerate(optimizer.parameters):
            if type(p._data) is float or p._data.dtype.kind != "f":
                raise TypeError(
                    f"DistributedOptimizer: {named(position, p)} is no array of real numbers; use Tensors of float32 "
                    "or float64"
                )
        self.optimizer = optimizer
        communicator()  # from here on a failure of one rank ends all
        self.comm = communicator(comm).Dup()  # so that what others send by the same communicator is never mixed up
        self.steps = 0
        self._finished = False
        self._buffer = GradientBuffer(optimizer.parameters, whole("DistributedOptimizer", "extra", extra, 0))
        self.extra = self._buffer.extra
        self._divisor: float | None = None  # the samples of all ranks, once gradients are averaged and until the update
        if self.comm.Get_size() > 1:
            self._agree()
        vars(optimizer)["step"] = _refuse  # a step of its own would make this rank's parameters others than the rest's

    def _agree(self) -> None:
        """See that all ranks have the same parameters and options, and take rank 0's values."""
        inner = self.optimizer
        lines = [f"an optimizer {type(inner).__name__}", f"{len(inner.parameters)} parameters"]
        lines += [f"{named(k, p)} and dtype {p._data.dtype}" for k, p in enumerate(inner.parameters)]
        lines += [f"{name}={getattr(inner, name)!r}" for name in inner._options]
        lines.append(f"extra={len(self.extra)}")
        hint = "Make the model and the optimizer alike on all ranks; only the numbers in them may differ."
        same(self.comm, "DistributedOptimizer", lines, hint)
        values = tree_from(self.comm, 0, [p._data for p in inner.parameters])
        for p, value in zip(inner.parameters, values, strict=True):
            np.copyto(p._data, value)
            p._touch()
        broadcast(self.comm, optimizer=inner)

    # ------------------------------------------------------------------------------------- the step

    def synchronize(self, samples: float) -> float:
        """Average the gradients over all ranks: ``p.grad`` becomes that of all samples. The update is left to `step`.

        Only needed where something comes between the two, such as clipping.

        Parameters
        ----------
        samples : int or float
            How many samples the mean is over whose gradient this rank has; their total weight, where they are
            weighted. A rank without samples says 0, and needs no gradients.

        Returns
        -------
        float
            The samples of all ranks.

        Raises
        ------
        CompileError
            Within a compiled function.
        RuntimeError
            Where another rank has ended after fewer steps.
        ValueError
            Where no rank has samples, or a gradient has not the shape of its parameter.

        Examples
        --------
        >>> import tinytensor as tt
        >>> from tinytensor import mpi
        >>> w = tt.Tensor([3.0, 4.0], requires_grad=True)
        >>> optimizer = mpi.DistributedOptimizer(tt.optim.SGD([w], lr=1.0))
        >>> (w**2).mean().backward()
        >>> optimizer.synchronize(samples=2)
        2.0
        >>> tt.optim.clip_grad_norm([w], max_norm=1.0)
        5.0
        >>> optimizer.step()
        """
        if mode.tracer is not None:
            raise CompileError(
                f"tt.compile: {here()}\n  DistributedOptimizer: a compiled function can't hold what the ranks send "
                f"each other. Compile what computes the gradients, and step outside:\n\n{TWO}"
            )
        if self._finished:
            raise RuntimeError("DistributedOptimizer: it is finished; make another to train on")
        samples = number("DistributedOptimizer", "samples", samples)
        total = samples if self.comm.Get_size() == 1 else self._reduce(samples)
        if not total:
            raise ValueError("DistributedOptimizer: no rank has samples: every rank said samples=0")
        self._divisor = total
        return total

    def step(self, samples: float | None = None) -> None:
        """Average the gradients over all ranks, and update every parameter.

        Parameters
        ----------
        samples : int or float, optional
            As in `synchronize`. Left out where that was called for this step.

        Raises
        ------
        TypeError
            Without `samples`, where `synchronize` has not been called.
        CompileError, RuntimeError, ValueError
            As `synchronize`.
        """
        if samples is not None:
            self.synchronize(samples)
        elif mode.tracer is None and self._divisor is None:
            raise TypeError(
                "DistributedOptimizer.step: say how many samples this rank's gradient is the mean of, "
                "step(samples=len(xb)); parts may be unequal, and are weighted by it"
            )
        elif mode.tracer is not None:
            self.synchronize(0)  # raises
        self._divisor = None
        self.steps += 1
        type(self.optimizer).step(self.optimizer)

    def _reduce(self, samples: float) -> float:
        """The Allreduce: the gradients become the means, and the samples of all ranks are returned."""
        if self not in ending.unfinished:
            ending.unfinished.append(self)
        self._buffer.fill(samples)
        self.comm.Allreduce(library().IN_PLACE, self._buffer.array)
        if ended := self._buffer.ended:
            self._forget()
            raise RuntimeError(
                f"DistributedOptimizer: {ended} of {self.comm.Get_size()} ranks ended after {self.steps} steps, this "
                "one would make another. All ranks have to make the same number of steps: tinytensor.mpi.batches gives "
                "each as many batches, empty ones too"
            )
        if self._buffer.samples:
            self._buffer.take()
        return self._buffer.samples

    # ------------------------------------------------------------------------------------- the end

    def finish(self) -> None:
        """End the training on all ranks together; the optimizer within can be used on its own again.

        Called at the end of the program where it was not before. Call it where a program trains several models,
        one after the other.

        Raises
        ------
        RuntimeError
            Where other ranks still make steps, or the parameters are no longer the same on all ranks.
        """
        if self._finished:
            return
        waited_for = self in ending.unfinished
        self._forget()
        if waited_for:
            last = self._buffer.end()
            self.comm.Allreduce(library().IN_PLACE, last)
            if last[-1] != self.comm.Get_size():
                raise RuntimeError(
                    f"DistributedOptimizer: rank {self.comm.Get_rank()} ended after {self.steps} steps, while others "
                    "make another. All ranks have to make the same number of steps"
                )
            self._compare()
        self.comm.Free()

    def _forget(self) -> None:
        """No rank waits for this optimizer any more; the one within is free."""
        self._finished = True
        vars(self.optimizer).pop("step", None)
        if self in ending.unfinished:
            ending.unfinished.remove(self)

    def _compare(self) -> None:
        """See that the parameters are still the same on all ranks: else something changed them behind our back."""
        ours = np.concatenate([np.ravel(p._data).astype(self._buffer.array.dtype) for p in self.optimizer.parameters])
        root = ours.copy()
        self.comm.Bcast(root, 0)
        scale = max(float(np.max(np.abs(root), initial=0.0)), math.ulp(0.0))
        off = np.array(float(np.max(np.abs(ours - root), initial=0.0)) / scale if np.isfinite(scale) else 0.0)
        self.comm.Allreduce(library().IN_PLACE, off, library().MAX)
        if off > 1e-3:  # processors of different kinds may round differently
            raise RuntimeError(
                f"DistributedOptimizer: the parameters differ between the ranks by {float(off):.2g} of the largest. "
                "Something else than this optimizer changed them: change them in the same way on all ranks"
            )

    # ------------------------------------------------------------------------------------- as the one within

    def zero_grad(self) -> None:
        """Forget the gradients: every ``grad`` becomes None."""
        self.optimizer.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        """That of the optimizer within, so a checkpoint is read with and without MPI."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Have the optimizer within take a state; give all ranks the same, or use `Checkpointer`, which does."""
        self.optimizer.load_state_dict(state)

    def __getattr__(self, name: str) -> Any:
        if name in OWN:  # not made yet
            raise AttributeError(name)
        return getattr(self.optimizer, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in OWN or name == "lr":
            object.__setattr__(self, name, value)
        else:
            setattr(self.optimizer, name, value)

    def __repr__(self) -> str:
        return f"DistributedOptimizer({self.optimizer!r}, rank {self.comm.Get_rank()} of {self.comm.Get_size()})"


def _refuse(*args: Any, **kwargs: Any) -> None:
    """In the place of the wrapped optimizer's own step."""
    raise RuntimeError(
        "this optimizer is part of a DistributedOptimizer; call step(samples=…) of that one, or the ranks would differ"
    )
