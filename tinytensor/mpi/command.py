"""``mpiexec -n 4 tinytensor train``: what the command line is told of the other processes.

Read next: ``estimators.py``, which splits the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .world import barrier, launched, mean, rank, size

if TYPE_CHECKING:
    from ..cli.training import Ranks


def ranks_of_job() -> Ranks | None:
    """The processes that ``mpiexec`` started; None without it, where MPI is not even imported."""
    if not launched() or size() == 1:
        return None
    from ..cli.training import Ranks
    from .estimators import DistributedFit

    return Ranks(rank(), (DistributedFit(),), lambda flag: mean(float(flag)) > 0.0, barrier)
