"""Training on many processes and machines with MPI: each takes a part of every batch, and all take the same step.

Every process (rank) holds the whole model. After backward one Allreduce averages the gradients, so all ranks make the
update that one process would have made on the whole batch. It rests on mpi4py (``pip install 'tinytensor[mpi]'``, which
brings ``mpiexec`` too), and refuses to know the training loop. Read in this order: ``optimizer.py``, ``gradients.py``,
``rows.py``, ``checkpoints.py``, ``state.py``, ``world.py``, ``ending.py``; ``estimators.py`` brings it to
`tinytensor.sklearn`.
"""

from typing import TYPE_CHECKING, Any

from .checkpoints import Checkpointer
from .optimizer import DistributedOptimizer
from .rows import DistributedBatches, batches, part
from .state import broadcast
from .world import barrier, mean, rank, size

if TYPE_CHECKING:
    from .estimators import DistributedFit

__all__ = [
    "DistributedOptimizer", "DistributedBatches", "Checkpointer", "batches", "part", "broadcast", "mean", "barrier",
    "rank", "size", "DistributedFit",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "DistributedFit":  # needs scikit-learn
        from .estimators import DistributedFit

        return DistributedFit
    raise AttributeError(f"module 'tinytensor.mpi' has no attribute {name!r}")
