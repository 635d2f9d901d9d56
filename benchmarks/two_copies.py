"""Two copies of the package, such as before and after a change, in turns in one process: what the change is worth.

From process to process a step at L differs by 3%, with the memory that it happens to get. Here both copies share a
process, and the mean is that of several, one after the other. Less than 1% still says nothing: measure it twice.

    git worktree add ../before HEAD~1
    python -m benchmarks.two_copies ../before . --size L
"""

import argparse
import importlib
import json
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

from .processes import ROOT, cores, environment

STEPS = 8  # of one copy, before it is the other's turn
PAUSE = 0.25  # seconds, now and then: a processor that was busy for a second may slow down


def load(path, contestant, size):
    """The training step of the copy at `path`, with modules of its own."""
    for name in [n for n in sys.modules if n.partition(".")[0] in ("tinytensor", "benchmarks")]:
        del sys.modules[name]
    sys.path.insert(0, str(path))
    try:
        found = Path(importlib.import_module("tinytensor").__file__)
        assert path in found.parents, f"{found} was imported in place of the copy in {path}"
        problem = importlib.import_module("benchmarks.problem")
        step = importlib.import_module(f"benchmarks.contestants.{contestant}").step
        return step(problem.make_problem(*problem.SIZES[size]))
    finally:
        sys.path.remove(str(path))


def child(paths, contestant, size, rounds):
    """The medians of each round's steps, for both copies."""
    order = [0, 1]
    random.shuffle(order)  # who is made first gets other memory
    steps = {k: load(paths[k], contestant, size) for k in order}
    medians = [[], []]
    for number in range(rounds):
        if number % 4 == 0:
            time.sleep(PAUSE)
        for k in order if number % 2 else order[::-1]:
            seconds = []
            for _ in range(STEPS + 2):
                start = time.perf_counter()
                steps[k]()
                seconds.append(time.perf_counter() - start)
            medians[k].append(statistics.median(seconds[2:]))  # the first come after the other's
    return medians


def main(arguments=None):
    """Measure, and print the second copy's time over the first's."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.two_copies", description="Two copies of tinytensor, in turns."
    )
    parser.add_argument("paths", nargs=2, type=lambda path: Path(path).resolve(), metavar="PATH", help="of each copy")
    parser.add_argument("--size", choices=("S", "M", "L"), default="L")
    parser.add_argument("--contestant", choices=("tinytensor_eager", "tinytensor_compiled"), default="tinytensor_eager")
    parser.add_argument("--processes", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=48)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        print(json.dumps(child(options.paths, options.contestant, options.size, options.rounds)))
        return
    for path in options.paths:
        if not (path / "benchmarks").is_dir() or not (path / "tinytensor").is_dir():
            parser.error(f"there is no copy of tinytensor in {path}, with its benchmarks")
    command = [
        sys.executable, "-m", "benchmarks.two_copies", *map(str, options.paths), "--child", "--size", options.size,
        "--contestant", options.contestant, "--rounds", str(options.rounds),
    ]  # fmt: skip
    ratios = []
    for _ in range(options.processes):
        done = subprocess.run(
            command, cwd=ROOT, env=environment(cores()), stdout=subprocess.PIPE, text=True, check=True
        )
        first, second = json.loads(done.stdout)
        ratios.append(statistics.median(b / a for a, b in zip(first, second, strict=True)))
    error = statistics.stdev(ratios) / len(ratios) ** 0.5 if len(ratios) > 1 else float("nan")
    print(f"second / first at {options.size}: {statistics.mean(ratios):.3f} ± {error:.3f}")
    print("by process:", ", ".join(f"{ratio:.3f}" for ratio in ratios))


if __name__ == "__main__":
    main()
