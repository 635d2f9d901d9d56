"""One training alone and two at once, with OpenBLAS's own threads, with one thread, and with shared ones.

The step is one of SGD on an MLP of size S, M or L. Runs alternate; a run during which other programs took more than
6% of the machine is repeated, and counted as noisy if that does not help. ``docs/blas.md`` has the results.

    python benchmarks/side_by_side.py
    python benchmarks/side_by_side.py --sizes L --rounds 3 --set OPENBLAS_CORETYPE=Haswell
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

SIZES = {"S": ([2, 16, 16, 2], 100), "M": ([64, 128, 64, 10], 64), "L": ([784, 512, 256, 10], 256)}
POLICIES = {
    "OpenBLAS's threads": {"TINYTENSOR_BLAS": "leave"},
    "one thread": {"OPENBLAS_NUM_THREADS": "1"},
    "shared": {},
}


def work(size, seconds):
    """The child process: train for `seconds` when told to, and print the mean milliseconds per step."""
    import tinytensor as tt  # before NumPy, for the kernels

    import numpy as np  # isort: skip

    sizes, batch = SIZES[size]
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((batch, sizes[0])).astype(np.float32), rng.integers(0, sizes[-1], batch)
    model = tt.nn.MLP(sizes[0], sizes[1:], generator=rng)
    optimizer = tt.optim.SGD(model.parameters(), lr=0.01)

    def train(seconds):
        steps, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            optimizer.zero_grad()
            tt.nn.cross_entropy(model(X), y).backward()
            optimizer.step()
            steps += 1
        return 1e3 * (time.perf_counter() - start) / steps

    train(0.2)
    print("ready", flush=True)
    sys.stdin.readline()
    print(train(seconds), flush=True)


def trainings(count, size, seconds, environ):
    """The milliseconds per step of each of `count` trainings at once."""
    command = [sys.executable, __file__, "--work", size, "--seconds", str(seconds)]
    start = {"env": environ, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = [subprocess.Popen(command, **start) for _ in range(count)]
    for child in children:
        child.stdout.readline()
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    return [float(child.communicate()[0]) for child in children]


def busy():
    """Seconds of CPU time: of the whole machine, and of this program's children."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    machine = sum(int(fields[i]) for i in (1, 2, 3, 6, 7, 8)) / os.sysconf("SC_CLK_TCK")
    return machine, sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) + time.process_time()


def wait_for_quiet(limit=12):
    """Until nothing else runs, or `limit` seconds long."""
    end, good = time.monotonic() + limit, 0
    while good < 8 and time.monotonic() < end:
        good = good + 1 if Path("/proc/loadavg").read_text().split()[3].startswith("1/") else 0
        time.sleep(0.03)


def undisturbed(*args, tries=4):
    """`trainings` in a quiet moment: the times, and whether the moment was quiet."""
    for _ in range(tries):
        wait_for_quiet()
        machine, ours, start = *busy(), time.monotonic()
        times = trainings(*args)
        machine, ours = busy()[0] - machine, busy()[1] - ours
        quiet = (machine - ours) / (time.monotonic() - start) / os.cpu_count() < 0.06
        if quiet:
            break
    return times, quiet


def compare(size, options):
    """One table row for each policy: medians over the rounds, and medians of the rounds' ratios."""
    plain = {key: value for key, value in os.environ.items() if key not in {"OPENBLAS_NUM_THREADS", "TINYTENSOR_BLAS"}}
    plain |= dict(item.split("=", 1) for item in options.set)
    alone, both, noisy = {p: [] for p in POLICIES}, {p: [] for p in POLICIES}, dict.fromkeys(POLICIES, 0)
    for _ in range(options.rounds):
        for policy, variables in POLICIES.items():
            for count, results in ((1, alone), (2, both)):
                times, quiet = undisturbed(count, size, options.seconds, plain | variables)
                results[policy].append(max(times))
                noisy[policy] += not quiet
    first = alone[next(iter(POLICIES))]
    for policy in POLICIES:
        lone, pair = statistics.median(alone[policy]), statistics.median(both[policy])
        change = statistics.median(x / y for x, y in zip(alone[policy], first, strict=True))
        ratio = statistics.median(y / x for x, y in zip(alone[policy], both[policy], strict=True))
        print(
            f"| {size} | {policy} | {lone:.3f} | {change:.2f} | {pair:.3f} | {ratio:.2f} | {noisy[policy]} |",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="SML")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.8)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="in the environment")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.seconds)
        return
    print("| size | threads | alone, ms | of the first | two at once, ms | of alone | noisy runs |")
    print("|---|---|---|---|---|---|---|")
    for size in options.sizes:
        compare(size, options)


if __name__ == "__main__":
    main()
