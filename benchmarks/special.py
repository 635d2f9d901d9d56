"""The cases that need fresh processes: compile time, import time, memory, and two trainings at once."""

import subprocess
import sys

from .cases import OURS
from .problem import SIZES
from .processes import ROOT, Skipped, Worker, environment

IMPORTS = ["tinytensor", "torch", "jax", "mygrad", "autograd", "sklearn.neural_network"]
MEMORY = ["numpy_by_hand", *OURS, "torch_eager", "jax_jit", "mygrad_eager", "hips_autograd"]
TOGETHER = ["tinytensor_eager", "numpy_by_hand", "torch_eager"]
COMPILED = ["tinytensor_compiled", "jax_jit", "torch_compile"]


def problem(size):
    """The arguments of a problem."""
    sizes, batch = SIZES[size]
    return {"sizes": sizes, "batch": batch}


def compiling(run, options):
    """What the first calls at M cost above later ones, in a new process that has nothing in store."""
    extra = run.extra | {"TORCHINDUCTOR_CACHE_DIR": str(options.folder / "empty")}
    for name in COMPILED:
        if run.worker(name) is None:
            continue
        print(f"compile M: {name} ...", file=sys.stderr, flush=True)
        try:
            worker = Worker(name, run.threads, **extra)
            try:
                repeat = 1 if name == "torch_compile" else options.few  # a second time it would remember
                answer = worker.ask("first_calls", args=problem("M"), repeat=repeat)
            finally:
                worker.close()
        except Skipped as reason:
            run.skip(name, str(reason), "compile M")
            continue
        for seconds in answer["seconds"]:
            run.record("compile M", name, seconds)


def importing(run, options):
    """The time that an import takes when NumPy is there already, in a new interpreter."""
    env = environment(run.threads)
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # or every import would compile again
    for number in range(options.few + 1):
        for package in IMPORTS:
            code = (
                f"import numpy, time; start = time.perf_counter(); import {package}; print(time.perf_counter() - start)"
            )
            command = [sys.executable, "-W", "ignore", "-c", code]
            done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env)
            if done.returncode:
                if number == 0:
                    run.skip(package, (done.stderr.strip().splitlines() or ["?"])[-1], "import")
            elif number > 0:  # the first one filled the disk's cache
                run.record("import", package, float(done.stdout.split()[-1]))


def memory(run, options):
    """The most memory that a training step at L takes, above what the process held before it."""
    for _ in range(options.few):
        for name in MEMORY:
            if run.worker(name) is None or name in run.skipped.get("memory L", {}):
                continue
            try:
                worker = Worker(name, run.threads, **run.extra)
                try:
                    answer = worker.ask("memory", args=problem("L"), small=problem("S"))
                finally:
                    worker.close()
                run.record("memory L", name, answer["bytes"])
                run.record("memory L, process", name, answer["total"])
            except Skipped as reason:
                run.skip(name, str(reason), "memory L")


def pair(workers, key, seconds):
    """The time of a step with two at once, over the time alone: the worse of the two."""
    alone = [w.ask("measure", key=key, seconds=seconds)["median"] for w in workers]
    for worker in workers:
        worker.send("measure", key=key, seconds=2 * seconds)
    both = [w.receive()["median"] for w in workers]
    return max(b / a for a, b in zip(alone, both, strict=True))


def together(run, options):
    """Two trainings side by side: with the BLAS threads that a user gets without settings, and with one each."""
    for name in TOGETHER if not options.quick else TOGETHER[:1]:
        if run.worker(name) is None:
            continue
        for threads, words in ((None, "default"), (1, "1")):
            try:
                _pairs(run, options, name, threads, words)
            except Skipped as reason:
                run.skip(name, str(reason), "together")


def _pairs(run, options, name, threads, words):
    """Two processes with the same contestant, at each size."""
    workers = []
    try:
        for _ in range(2):
            workers.append(Worker(name, threads, pinned=False, **run.extra))
        for size in options.sizes:
            key = f"together {size}, threads {words}"
            print(f"{key}: {name} ...", file=sys.stderr, flush=True)
            for worker in workers:
                worker.ask("prepare", key=key, kind="step", args=problem(size))
            for _ in range(options.few):
                run.record(key, name, pair(workers, key, options.seconds))
    finally:
        for worker in workers:
            worker.close()


def idle(run):
    """The share of a core that each contestant used while it was nobody's turn."""
    return {
        name: worker.idle[0] / worker.idle[1]
        for name, worker in run.workers.items()
        if worker is not None and worker.idle[1] > 0
    }


SPECIAL = {"compile": compiling, "import": importing, "memory": memory, "together": together}
