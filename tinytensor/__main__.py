"""The command line: ``python -m tinytensor info`` says what NumPy computes with here."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from .info import remedy, report, versions


def make_parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m tinytensor", description="Vectorized autograd on NumPy.")
    commands = parser.add_subparsers(dest="command", required=True)
    info = commands.add_parser("info", help="versions, the BLAS and its kernels, threads, the CPU")
    info.add_argument("--json", action="store_true", help="as JSON")
    info.add_argument("--no-measure", action="store_true", help="do not measure what a better kernel gains")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command."""
    options = make_parser().parse_args(arguments)
    info = versions()
    advice = remedy(info, measure=not options.no_measure)
    print(json.dumps({**info, "remedy": advice}, indent=2) if options.json else report(info, advice))


if __name__ == "__main__":
    main()
