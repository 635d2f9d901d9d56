"""What the examples share: a command line that refuses a bad option in one line, before any work is done."""

import argparse
import math
import tempfile
from pathlib import Path


class Parser(argparse.ArgumentParser):
    """argparse, with the defaults in the help and one line where it would print the whole usage."""

    def __init__(self, description, out):
        super().__init__(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        self.add_argument("--seed", type=whole(0, 2**31), default=0, help="what the random numbers start from")
        self.add_argument("--out", type=Path, default=Path(out), help="folder for the pictures")
        self.add_argument("--no-plots", action="store_true", help="draw no pictures")

    def parse_args(self, *args, **kwargs):
        """The options; the output folder is there and can be written to."""
        options = super().parse_args(*args, **kwargs)
        if not options.no_plots:
            try:
                options.out.mkdir(parents=True, exist_ok=True)
                tempfile.TemporaryFile(dir=options.out).close()
            except (OSError, ValueError) as error:
                self.error(f"argument --out: cannot write into {str(options.out)!r}: {reason(error)}")
        return options

    def error(self, message):
        """One line on stderr, exit code 2."""
        self.exit(2, f"{self.prog}: error: {message}\n")


def reason(error):
    """What the system says, without the path that the message has already."""
    return getattr(error, "strerror", None) or str(error)


def whole(low, high):
    """An argparse type: a whole number from `low` to `high`."""

    def parse(text):
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}") from None
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"expected a whole number from {low} to {high}, got {text}")
        return number

    return parse


def positive(text):
    """An argparse type: a finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, got {text!r}") from None
    if not (number > 0 and math.isfinite(number)):
        raise argparse.ArgumentTypeError(f"expected a finite number above 0, got {text}")
    return number


def sizes(text):
    """An argparse type: layer sizes, such as 128,64."""
    try:
        return [whole(1, 10_000)(part) for part in text.split(",")]
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"expected sizes such as 128,64, got {text!r}: {error}") from None
