"""Random programs against PyTorch: ``make fuzz``, or ``python tests/fuzz.py --programs 100000 --seed 0 --jobs 2``.

Program number i of seed s is the same program, whatever the number of processes. At a disagreement the program
is printed as Python code, with the command that repeats it and the single step at fault where there is one; the exit
status is 1. With ``--compiled`` each program runs through `tt.compile`, and is compared with itself run eagerly.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import platform
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported: threads of two processes spin

import numpy as np
import torch
from tqdm import tqdm

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # for `tests`, beside tinytensor

from tests.compile_checks import check_compiled
from tinytensor.testing.program_growth import seeded_program
from tinytensor.testing.random_programs import OPERATIONS, Disagreement, Program, check_program

BATCH = 100  # programs that a process takes at a time


class Found(NamedTuple):
    """What a process tells of its programs; `number` and `message` where one of them failed."""

    programs: int
    nodes: int
    largest: int
    operations: Counter[str]
    error: float
    number: int | None = None
    message: str = ""


def drawn(options: argparse.Namespace, number: int) -> Program:
    return seeded_program(f"{options.seed}-{number}", options.min_nodes, options.max_nodes, options.operations)


def run_batch(task: tuple[argparse.Namespace, range]) -> Found:
    options, numbers = task
    nodes, largest, operations, error = 0, 0, Counter(), 0.0
    for done, number in enumerate(numbers):
        program = drawn(options, number)
        try:
            error = max(error, checked(options, program))
        except Exception as problem:  # whatever it is, it is reported with its program, and ends the run
            message = f"{type(problem).__name__}: {problem}"
            if not isinstance(problem, Disagreement):
                message += f"\n\n{program}"
            message += single_step(options, program)
            return Found(done, nodes, largest, operations, error, number, message)
        operations += program.operations
        nodes, largest = nodes + len(program), max(largest, len(program))
    return Found(len(numbers), nodes, largest, operations, error)


def checked(options: argparse.Namespace, program: Program) -> float:
    """How far a program's results are from PyTorch's; or compiled from eager's, in units of the last digit."""
    if not options.compiled:
        return check_program(program)
    with np.errstate(all="ignore"):
        return check_compiled(program)


def fails(options: argparse.Namespace, program: Program) -> bool:
    try:
        checked(options, program)
    except Exception:  # as above: any error is what is looked for
        return True
    return False


def single_step(options: argparse.Namespace, program: Program) -> str:
    """The one step that fails by itself, or else the shortest beginning that does."""
    steps = range(len(program.inputs), len(program))
    for small in (*map(program.only, steps), *map(program.upto, steps)):
        if fails(options, small):
            return f"\n\nIt comes down to:\n\n{small}"
    return ""


def quiet_start() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("error")
    # OpenBLAS's alarm, which may be false: docs/blas.md. The numbers themselves are compared.
    warnings.filterwarnings("ignore", "invalid value encountered in (dot|matmul)", RuntimeWarning)


def batches(options: argparse.Namespace) -> Iterator[tuple[argparse.Namespace, range]]:
    numbers = range(options.programs) if options.only is None else range(options.only, options.only + 1)
    return ((options, numbers[k : k + BATCH]) for k in range(0, len(numbers), BATCH))


def run(options: argparse.Namespace) -> int:
    total, start = Found(0, 0, 0, Counter(), 0.0), time.perf_counter()
    count = 1 if options.only is not None else options.programs
    with contextlib.ExitStack() as stack:
        # "spawn": a forked child would inherit torch's threads in any state.
        context = multiprocessing.get_context("spawn")
        pool = stack.enter_context(context.Pool(options.jobs, quiet_start)) if options.jobs > 1 else None
        if pool is None:
            quiet_start()
        results = pool.imap_unordered(run_batch, batches(options)) if pool else map(run_batch, batches(options))
        bar = stack.enter_context(tqdm(total=count, unit="program", disable=options.quiet))
        for found in results:
            total = Found(
                total.programs + found.programs, total.nodes + found.nodes, max(total.largest, found.largest),
                total.operations + found.operations, max(total.error, found.error), found.number, found.message,
            )  # fmt: skip
            bar.update(found.programs)
            if found.number is not None:
                break
    if total.number is not None:
        sizes = f"--min-nodes {options.min_nodes} --max-nodes {options.max_nodes}"
        names = f" --operations {' '.join(options.operations)}" if options.operations else ""
        print(f"\nProgram {total.number} of seed {options.seed} disagrees.\n\n{total.message}\n")
        way = " --compiled" if options.compiled else ""
        print(f"Repeat it: python tests/fuzz.py --seed {options.seed}{way} {sizes}{names} --only {total.number}")
        return 1
    report(total, options, time.perf_counter() - start)
    return 0


def report(total: Found, options: argparse.Namespace, seconds: float) -> None:
    applied = sum(total.operations.values())
    other = "eager, compiled" if options.compiled else "PyTorch"
    print(f"\n{total.programs:,} programs of seed {options.seed} agree with {other}; disagreements: 0")
    print(f"{total.nodes:,} nodes, {applied:,} operations; {total.nodes / max(total.programs, 1):.1f} nodes a program, "
          f"{total.largest} in the largest")  # fmt: skip
    if options.compiled:
        print(f"largest difference of a result, in units of its largest element's last digit: {total.error:.1f}")
    else:
        print(f"largest difference, of any value or gradient, relative to the largest on the way: {total.error:.1e}")
    print(f"NumPy {np.__version__}, torch {torch.__version__}, Python {platform.python_version()}; {seconds:.0f} s\n")
    for name, times in total.operations.most_common():
        print(f"{times:>10,}  {name}")
    missing = OPERATIONS.keys() - total.operations.keys()
    if missing and not options.operations:
        print(f"never drawn: {', '.join(sorted(missing))}")


def natural(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {text}")
    return int(text)


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/fuzz.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--programs", type=natural, default=10_000, help="how many (10000)")
    parser.add_argument("--seed", type=int, default=0, help="of them all (0)")
    parser.add_argument("--jobs", type=natural, default=2, help="processes (2)")
    parser.add_argument("--min-nodes", type=natural, default=5, help="inputs and operations of a program (5)")
    parser.add_argument("--max-nodes", type=natural, default=60, help="at most (60)")
    parser.add_argument("--operations", nargs="+", choices=OPERATIONS, metavar="NAME", help="these alone")
    parser.add_argument("--compiled", action="store_true", help="compare tt.compile with eager, in place of PyTorch")
    parser.add_argument("--only", type=int, help="the number of one program, to repeat it")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args(arguments)
    if options.max_nodes < 3 or options.min_nodes > options.max_nodes:
        parser.error(f"--max-nodes {options.max_nodes}: expected 3 or more, and no less than --min-nodes")
    return options


if __name__ == "__main__":
    sys.exit(run(parsed(None)))
