"""What is shown while a command works, all of it on stderr: a bar in a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import sys
from typing import Any

LINES = 20  # at most so many plain lines for a training
ROWS = 500_000  # rows after which a long reading says how far it is, where there is no terminal


class Progress:
    """Notes and progress of one command.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    score : str
        What the score of the training is called.
    """

    def __init__(self, quiet: bool, score: str = "score") -> None:
        self.quiet, self.score = quiet, score
        self._terminal = sys.stderr.isatty()
        self._bar: Any = None
        self._written = False  # whether an unfinished line stands in the terminal
        self._said = 0

    def note(self, text: str) -> None:
        """One line for the user."""
        if not self.quiet:
            self._clear()
            if self._bar is not None:
                self._bar.write(f"note: {text}", file=sys.stderr)
            else:
                print(f"note: {text}", file=sys.stderr)

    def rows(self, what: str, count: int) -> None:
        """How many rows were read, and what for."""
        if self.quiet:
            return
        if self._terminal:
            print(f"\r\x1b[K{what}: {count:,} rows", end="", file=sys.stderr, flush=True)
            self._written = True
        elif count // ROWS > self._said // ROWS:
            print(f"{what}: {count:,} rows", file=sys.stderr)
        self._said = count

    def begin(self, epochs: int, batches: int, done: int) -> None:
        """A training of so many epochs begins, or goes on after `done` of them."""
        self._clear()
        self._epochs = epochs
        if done and not self.quiet:
            self.note(f"going on after epoch {done}")
        if self._terminal and not self.quiet:
            try:
                from tqdm import tqdm
            except ImportError:
                return
            form = "{desc} {percentage:3.0f}%|{bar:10}| {elapsed}<{remaining}{postfix}"
            self._bar = tqdm(total=epochs * batches, initial=done * batches, bar_format=form, file=sys.stderr)
            self._bar.set_description_str(f"epoch {done}/{epochs}", refresh=False)

    def batch(self) -> None:
        """One batch is done."""
        if self._bar is not None:
            self._bar.update()

    def epoch(self, epoch: int, estimator: Any) -> None:
        """One epoch is done. In the bar stand two losses, of training and validation."""
        if self.quiet:
            return
        loss, score = f"{estimator.loss_curve_[-1]:.4f}", ""
        text = f"loss {loss}"
        if estimator.validation_scores_:
            validation, score = f"{estimator.validation_loss_curve_[-1]:.4f}", f"{estimator.validation_scores_[-1]:.4f}"
            text += f", validation loss {validation}, validation {self.score} {score}"
        if self._bar is not None:  # short, so that it fits a terminal of 80 columns
            short = f"loss {loss}/{validation}, {self.score} {score}" if score else text
            self._bar.set_description_str(f"epoch {epoch}/{self._epochs}", refresh=False)
            self._bar.set_postfix_str(short, refresh=False)
        elif epoch == 1 or epoch == self._epochs or epoch % max(1, -(-self._epochs // LINES)) == 0:
            print(f"epoch {epoch}/{self._epochs}: {text}", file=sys.stderr, flush=True)

    def end(self) -> None:
        """The training, or a reading, is over."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self._clear()

    def _clear(self) -> None:
        """Leave no unfinished line."""
        if self._written:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._written = False
