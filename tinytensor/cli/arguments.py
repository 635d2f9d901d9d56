"""The arguments of the command line, with examples in every ``--help``. It does nothing with them.

It imports nothing heavy, so that ``--help`` is fast. Read next: ``commands.py``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from .errors import BAD_INPUT

ACTIVATIONS = ("relu", "tanh", "logistic", "identity", "gelu", "silu", "softplus", "leaky_relu", "elu")
STATUSES = """exit status:
  0    done
  1    the command failed: the training diverged, the disk is full, a library is missing
  2    an argument or a file is no good; the message says which, and where in it
  130  Ctrl-C (143: SIGTERM); train has saved, and says how to go on
  141  the reader of the output went away, as in `| head`
"""


class Parser(argparse.ArgumentParser):
    """argparse, with errors in one line and descriptions as they are written."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where the help is."""
        self.exit(BAD_INPUT, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def number(low: float, high: float, *, whole: bool = False, open_low: bool = False, open_high: bool = False) -> Any:
    """The function from a text to a number within bounds."""
    kind: Callable[[str], float] = int if whole else float
    bound = f"{'>' if open_low else '≥'} {low:g}" + (f" and {'<' if open_high else '≤'} {high:g}" * (high < 1e9))

    def read(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = float("nan")
        inside = (low < value if open_low else low <= value) and (value < high if open_high else value <= high)
        if not inside:
            raise argparse.ArgumentTypeError(f"{text!r}: expected a {'whole ' * whole}number {bound}")
        return value

    return read


def sizes(text: str) -> list[int]:
    """``128,64`` as a list; ``0`` is no hidden layer."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = [-1]
    if found == [0]:
        return []
    if any(not 1 <= size <= 1_000_000 for size in found):
        raise argparse.ArgumentTypeError(f"{text!r}: expected sizes such as 128,64, or 0 for none")
    return found


def delimiter(text: str) -> str:
    """One character; ``tab`` and ``\\t`` are the tabulator."""
    found = {"tab": "\t", r"\t": "\t"}.get(text, text)
    if len(found) != 1 or found in '"\r\n':
        raise argparse.ArgumentTypeError(f"{text!r}: expected one character, such as , or ; or tab")
    return found


def sign(text: str) -> str:
    """One character."""
    if len(text) != 1 or text.isalnum():
        raise argparse.ArgumentTypeError(f"{text!r}: expected one character, such as , or .")
    return text


def names(text: str) -> list[str]:
    """Names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def make_parser(prog: str) -> argparse.ArgumentParser:
    """All commands."""
    parser = Parser(
        prog=prog,
        description="Train a neural network on a table, and use it. Results go to stdout, all else to stderr.",
        epilog=f"""examples:
  {prog} train digits                          the demonstration: handwritten digits
  {prog} train data.csv --target label         makes the folder model/
  {prog} predict model/ new.csv > predictions.csv
  {prog} evaluate model/ labelled.csv
  {prog} COMMAND --help                        more of each

{STATUSES}""",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_train(commands, prog)
    _add_predict(commands, prog)
    _add_evaluate(commands, prog)
    _add_info(commands, prog)
    return parser


def _add_train(commands: Any, prog: str) -> None:
    """The arguments of train; a setting that is not given is absent, so that --resume can tell."""
    parser = commands.add_parser(
        "train",
        help="learn to predict a column of a table",
        argument_default=argparse.SUPPRESS,
        description="""Learn to predict one column of a table from the others, and write a model's folder.

The table is a CSV file (or TSV: the delimiter is found), a Parquet file (with pyarrow), or an .npz file with
arrays X and y. Texts of few kinds become categories; whether classes or numbers are predicted is found from the
target. Columns of names, dates or row numbers are left out, which is said. A part of the rows is set aside: it
measures the model and ends the training. Means and categories are learned from the other rows only.""",
        epilog=f"""examples:
  {prog} train digits
  {prog} train titanic.csv --target survived --out titanic-model
  {prog} train houses.csv --target price --drop id,agent --hidden 256,128 --epochs 300
  {prog} train export.csv --target Kunde --delimiter ';' --decimal , --encoding cp1252
  {prog} train --resume model                   go on after Ctrl-C, a crash or a power failure

{STATUSES}""",
    )
    parser.add_argument("data", nargs="?", metavar="FILE", help="the table; 'digits' is scikit-learn's")
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict")
    parser.add_argument("--out", metavar="FOLDER", help="where the model goes (model)")
    parser.add_argument("--overwrite", action="store_true", help="replace a model that is there")
    parser.add_argument("--resume", metavar="FOLDER", help="go on with an interrupted training, with its settings")
    _add_settings(parser)
    columns = parser.add_argument_group("columns")
    columns.add_argument("--task", choices=("classification", "regression"), help="what the target is (found)")
    columns.add_argument("--drop", type=names, metavar="A,B", help="columns to leave out")
    columns.add_argument("--category", type=names, metavar="A,B", help="columns that are categories")
    columns.add_argument("--number", type=names, metavar="A,B", help="columns that are numbers")
    _add_reading(parser, True)
    _add_output(parser)


def _add_settings(parser: Any) -> None:
    """Network and training."""
    group = parser.add_argument_group("network and training")
    group.add_argument("--hidden", type=sizes, metavar="SIZES", help="sizes of the hidden layers (128,64)")
    group.add_argument("--activation", choices=ACTIVATIONS, help="after each hidden layer (relu)")
    group.add_argument("--epochs", type=number(1, 1e9, whole=True), metavar="N", help="at most so many (100)")
    group.add_argument("--batch", type=number(1, 1e9, whole=True), metavar="N", help="rows of a step (64)")
    group.add_argument("--lr", type=number(0, 1e9, open_low=True), metavar="X", help="learning rate (0.001)")
    group.add_argument("--solver", choices=("adam", "adamw", "sgd"), help="(adam)")
    group.add_argument("--schedule", choices=("constant", "cosine"), help="of the learning rate (constant)")
    group.add_argument("--dropout", type=number(0, 1, open_high=True), metavar="P", help="(0)")
    group.add_argument("--alpha", type=number(0, 1e9), metavar="X", help="L2 penalty (0.0001)")
    group.add_argument("--clip-norm", type=number(0, 1e9, open_low=True), metavar="X", help="longest gradient (any)")
    group.add_argument("--balanced", action="store_true", help="give all classes the same weight")
    group.add_argument("--valid", type=number(0, 1, open_high=True), metavar="SHARE", help="rows set aside (0.2)")
    group.add_argument(
        "--patience",
        type=number(0, 1e9, whole=True),
        metavar="N",
        help="epochs without a better validation score before the end; 0: go through all epochs (10)",
    )
    group.add_argument(
        "--seed", type=number(0, 2**32 - 1, whole=True), metavar="N", help="the same gives the same model (0)"
    )
    group.add_argument(
        "--checkpoint-every", type=number(0, 1e9), metavar="SECONDS", help="what a crash can lose, beyond an epoch (30)"
    )


def _add_reading(parser: Any, notation: bool) -> None:
    """How a text file is read."""
    group = parser.add_argument_group("text files")
    group.add_argument("--delimiter", type=delimiter, metavar="C", help="between the fields; 'tab' is one (found)")
    group.add_argument("--encoding", metavar="NAME", help="such as latin-1 or cp1252 (utf-8)")
    if notation:
        group.add_argument("--decimal", type=sign, metavar="C", help="sign before the tenths (.)")
        group.add_argument("--thousands", type=sign, metavar="C", help="sign between groups of digits (none)")
        group.add_argument(
            "--na", action="append", metavar="TEXT", help="also means that a value is missing (again for more)"
        )


def _add_output(parser: Any) -> None:
    """What is shown."""
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="results as one JSON document on stdout, nothing else there")
    group.add_argument("--quiet", action="store_true", help="no progress and no notes on stderr")


def _add_predict(commands: Any, prog: str) -> None:
    parser = commands.add_parser(
        "predict",
        help="predict the rows of a table with a model",
        argument_default=argparse.SUPPRESS,
        description="""Predict each row of a table. The result is CSV in the same order: the prediction, and for classes
the probability of each. Columns are found by name: their order does not matter, and others are passed over.""",
        epilog=f"""examples:
  {prog} predict model/ new.csv > predictions.csv
  {prog} predict model/ new.csv --keep --out predictions.csv     beside the columns of new.csv
  {prog} predict model/ new.csv | head

{STATUSES}""",
    )
    parser.add_argument("model", metavar="FOLDER", help="the model's folder")
    parser.add_argument("data", metavar="FILE", help="the table")
    parser.add_argument("--out", metavar="FILE", help="where the predictions go (stdout)")
    parser.add_argument("--keep", action="store_true", help="repeat the columns of the table")
    _add_reading(parser, False)
    _add_output(parser)


def _add_evaluate(commands: Any, prog: str) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure a model on a table with the target",
        argument_default=argparse.SUPPRESS,
        description="Predict each row of a table and compare with the target that is in it.",
        epilog=f"""examples:
  {prog} evaluate model/ labelled.csv
  {prog} evaluate model/ labelled.csv --json | python -m json.tool

{STATUSES}""",
    )
    parser.add_argument("model", metavar="FOLDER", help="the model's folder")
    parser.add_argument("data", metavar="FILE", help="the table, with the target")
    _add_reading(parser, False)
    _add_output(parser)


def _add_info(commands: Any, prog: str) -> None:
    parser = commands.add_parser(
        "info",
        help="versions, the BLAS and its kernels, threads, the CPU",
        description="What NumPy computes with here.",
        epilog=f"examples:\n  {prog} info\n  {prog} info --json --no-measure\n",
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--no-measure", action="store_true", help="do not measure what a better kernel gains")
