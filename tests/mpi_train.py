"""A training as a user writes it: ``mpiexec -n 2 python -m tests.mpi_train FOLDER``; started again, it continues.

It ends as the tests say: killed at a step, with an exception on one rank, or with fewer steps on one rank. At the end rank 0
prints a digest of its weights.
"""

import argparse
import hashlib
import os
import signal

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import numpy as np

import tinytensor as tt
from tinytensor import mpi

from .mpi_checks import OPTIMIZERS, data, network, weights

SAMPLES, BATCH = 900, 256  # of all ranks together; the last batch is smaller


def train(folder, epochs, at=lambda step: None):
    X, y = data(SAMPLES)
    model = network(seed=mpi.rank())
    optimizer = mpi.DistributedOptimizer(OPTIMIZERS["adam"](model.parameters()))
    batches = mpi.batches(X, y, batch_size=BATCH // mpi.size(), seed=7)
    schedule = tt.optim.ExponentialLR(optimizer, gamma=0.5)
    parts = {"model": model, "optimizer": optimizer, "batches": batches, "schedule": schedule}
    checkpoints = mpi.Checkpointer(folder)
    found = checkpoints.restore(**parts)
    step = found.step if found else 0
    if mpi.rank() == 0:
        print("from", step, flush=True)
    while batches.epoch < epochs:
        for xb, yb in batches:
            optimizer.zero_grad()
            if len(xb):
                tt.nn.cross_entropy(model(xb), yb).backward()
            optimizer.step(samples=len(xb))
            step += 1
            checkpoints.save(step, **parts)
            if at(step):
                return model
        schedule.step()
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument(
        "--end", choices=["kill", "raise", "return", "exit"], help="how one rank ends before the others"
    )
    parser.add_argument("--rank", type=int, default=1)
    parser.add_argument("--step", type=int, default=5)
    options = parser.parse_args()

    def at(step):
        if options.end is None or (mpi.rank(), step) != (options.rank, options.step):
            return False
        if options.end == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if options.end == "raise":
            raise ValueError("a mistake on one rank")
        if options.end == "exit":
            raise SystemExit(3)
        return True

    model = train(options.folder, options.epochs, at)
    if mpi.rank() == 0:
        print("done", hashlib.sha256(np.ascontiguousarray(weights(model)).tobytes()).hexdigest())


if __name__ == "__main__":
    main()
