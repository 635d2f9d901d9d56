"""A training that can be killed at any moment and started again: ``python tests/checkpoint_run.py FOLDER``.

The tests start it, kill it, and compare what it prints at the end: a digest of all weights and of what is drawn next. It
has one of everything that has a state: dropout with a generator of its own, noise from tinytensor's generator, shuffled
batches, an optimizer with buffers, a schedule, and a frozen tensor that makes the files large enough to be hit while they
are written.
"""

import argparse
import hashlib
import os
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import numpy as np

import tinytensor as tt
from tinytensor import io, nn


class Net(nn.Module):
    """Two hidden layers with dropout between them. At this size a compiled step rounds differently from an eager one."""

    def __init__(self, rng, ballast):
        self.body = nn.Sequential(
            nn.Linear(2, 16, generator=rng), nn.ReLU(), nn.Dropout(0.1, generator=np.random.default_rng(5)),
            nn.Linear(16, 16, generator=rng), nn.ReLU(), nn.Linear(16, 2, generator=rng),
        )  # fmt: skip
        self.ballast = tt.Tensor(rng.normal(size=ballast).astype(np.float32))

    def forward(self, x):
        return self.body(x)


class Training:
    """Everything that takes part, made the same way each time."""

    def __init__(self, compiled=False, ballast=0):
        tt.manual_seed(3)
        rng = np.random.default_rng(0)
        self.X = rng.normal(size=(250, 2)).astype(np.float32)
        self.y = (self.X[:, 0] * self.X[:, 1] > 0).astype(np.int64)
        self.model = Net(rng, ballast)
        self.optimizer = tt.optim.Adam(self.model.parameters(), lr=0.01)
        self.schedule = tt.optim.CosineAnnealingLR(self.optimizer, T_max=8)
        self.batches = tt.data.batches(self.X, self.y, batch_size=100, rng=rng)
        self.rng = rng
        self.number = 0
        self.losses = []
        self.update = self._update
        if compiled:
            self.update = tt.compile(self._update)
            with io.unchanged(**self.parts):  # the first calls, which run as they are written, change nothing
                for n in (100, 50, 100):
                    self.update(self.X[:n], self.y[:n])

    @property
    def parts(self):
        names = "model", "optimizer", "schedule", "batches", "rng"
        return {name: getattr(self, name) for name in names}

    def _update(self, x, y):
        self.optimizer.zero_grad()
        loss = nn.cross_entropy(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss

    def resume(self, checkpoints, step=None):
        found = checkpoints.restore(step, **self.parts)
        if found is not None:
            self.number, self.losses = found.step, found.values["losses"]

    def run(self, epochs, saved=lambda training: None):
        """Train to the end of that many epochs; after each step `saved` may save."""
        while self.batches.epoch < epochs:
            for x, y in self.batches:
                noise = tt.randn(*x.shape, dtype=np.float32).data * np.float32(0.01)
                self.losses.append(self.update(x + noise, y).item())
                self.number += 1
                saved(self)
            self.schedule.step()
            saved(self)

    def digest(self):
        """Of all that a run ends with: weights, buffers, losses, and the next numbers of every generator."""
        found = hashlib.sha256(repr((self.number, self.losses, self.optimizer.lr, self.batches.epoch)).encode())
        for array in self.model.state_dict().values():
            found.update(array.tobytes())
        for buffers in self.optimizer.state_dict()["state"].values():
            found.update(repr(buffers["step"]).encode() + buffers["m"].tobytes() + buffers["v"].tobytes())
        for generator in (self.rng, self.model.body[2].generator, None):
            found.update(tt.rand(4, generator=generator).data.tobytes())
        return found.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--ballast", type=int, default=500_000, help="float32 numbers that only make the file larger")
    parser.add_argument("--compiled", action="store_true")
    options = parser.parse_args()
    training = Training(options.compiled, options.ballast)
    checkpoints = io.Checkpointer(options.folder, keep=3)
    training.resume(checkpoints)
    print("training", training.number, flush=True)
    training.run(options.epochs, lambda t: checkpoints.save(t.number, values={"losses": t.losses}, **t.parts))
    print("done", training.digest(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
