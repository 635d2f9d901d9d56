"""The command line: ``tinytensor train``, ``predict``, ``evaluate`` and ``info``.

Read in this order: ``arguments.py``, ``train.py`` and ``use.py`` (the commands), ``tables.py``, ``columns.py``,
``preprocessing.py``, ``targets.py``, ``dataset.py`` (from a file to arrays), ``training.py`` (the loop), ``saving.py``,
``folder.py`` (what is written), ``report.py``. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from .errors import FAILED, Problem

PROG = "tinytensor"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        The exit status: 0 done, 1 failed, 2 bad input, 130 and 143 after a signal, 141 where nobody reads the output.
        What is wrong with the arguments themselves, and ``--help``, end in SystemExit, as argparse has it.

    Examples
    --------
    >>> from tinytensor.cli import main
    >>> main(["evaluate", "no-such-model", "data.csv"])
    2
    """
    from .arguments import make_parser

    options = make_parser(PROG).parse_args(arguments)
    as_json = getattr(options, "json", False)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name that the terminal can't show must not end the command
            stream.reconfigure(errors="backslashreplace")
    try:
        _run(options)
        sys.stdout.flush()
    except Problem as problem:
        return _fail(str(problem), problem.status, as_json)
    except ImportError as error:
        if "pip install" not in str(error):
            raise
        return _fail(str(error), FAILED, as_json)
    except MemoryError:
        return _fail("there is not enough memory; try fewer --hidden neurons or columns", FAILED, as_json)
    except KeyboardInterrupt:
        return _fail("interrupted", 130, as_json)
    except BrokenPipeError:
        with contextlib.suppress(OSError):  # the interpreter flushes once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0


def _run(options: Any) -> None:
    """The command that the arguments name."""
    if options.command == "train":
        from ..mpi.command import ranks_of_job
        from .train import train

        train(options, ranks_of_job())
    elif options.command == "info":
        _info(options)
    else:
        from . import use

        (use.predict if options.command == "predict" else use.evaluate)(options)


def _info(options: Any) -> None:
    """Print versions, BLAS, threads and CPU."""
    from ..info import remedy, report, versions

    info = versions()
    advice = remedy(info, measure=not options.no_measure)
    print(json.dumps({**info, "remedy": advice}, indent=2) if options.json else report(info, advice))


def _fail(message: str, status: int, as_json: bool) -> int:
    """Say what is wrong in one line, and as JSON where that is asked for."""
    line = " ".join(message.split("\n"))
    with contextlib.suppress(BrokenPipeError):
        print(f"{PROG}: error: {line}", file=sys.stderr)
        if as_json:
            print(json.dumps({"error": line, "status": status}))
            sys.stdout.flush()
    return status
