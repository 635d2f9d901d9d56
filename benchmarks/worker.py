"""One contestant in a process of its own, which computes only when a line on the pipe asks it to.

``python -m benchmarks.worker NAME`` reads requests from stdin, one JSON object per line, and answers each with one
on stdout. It refuses to know the other contestants. Read next: ``processes.py``, the other end of the pipe.
"""

import contextlib
import importlib
import json
import os
import statistics
import sys
import time

from . import problem

_functions = {}  # what was prepared, by key: the function, and the seconds that one call takes


def hello(contestant):
    """What the parent has to know about this process."""
    from importlib.metadata import version

    kinds = [k for k in ("step", "operations", "chain", "digits", "moons") if hasattr(contestant, k)]
    options = {k.lower(): getattr(contestant, k) for k in ("CHECKED", "SLOW", "COMPILES") if hasattr(contestant, k)}
    return {
        "kinds": kinds,
        **options,
        "versions": {package: version(package) for package in contestant.PACKAGES},
        "pools": pools(),
    }


def pools():
    """The thread pools in this process, as threadpoolctl sees them."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return []
    keys = ("user_api", "internal_api", "version", "architecture", "num_threads")
    return [{k: pool.get(k) for k in keys} for pool in threadpool_info()]


def make(contestant, kind, args):
    """The function that a case times."""
    if kind == "step":
        return contestant.step(problem.make_problem(**args))
    if kind == "operations":
        return contestant.operations()[args["name"]]
    if kind == "chain":
        return contestant.chain(args["length"])
    return getattr(contestant, kind)(problem.load(args["path"]))


def prepare(contestant, key, kind, args, check=1):
    """Make a function and call it ``check`` times: its results, for the comparison with the others."""
    function = make(contestant, kind, args)
    results, seconds = [], None
    for _ in range(check):
        start = time.perf_counter()
        results.append(function())
        seconds = time.perf_counter() - start
    _functions[key] = function, seconds
    return {"results": [r for r in results if isinstance(r, float)], "seconds": seconds}


def measure(contestant, key, seconds):
    """Call a function for so long: the median and the least of the seconds per call."""
    function, guess = _functions[key]
    for _ in range(int(0.2 * seconds / guess)):  # warm up; where one call takes long, preparing it did
        function()
    inner = max(1, int(20e-6 / guess))  # so many calls that reading the clock costs nothing
    samples, now = [], time.perf_counter()
    end = now + seconds
    while not samples or now < end:
        start = time.perf_counter()
        for _ in range(inner):
            function()
        now = time.perf_counter()
        samples.append((now - start) / inner)
    _functions[key] = function, min(guess, statistics.median(samples))
    return {"median": statistics.median(samples), "least": min(samples), "calls": inner * len(samples)}


def forget(contestant, key):
    """Free what a case prepared."""
    _functions.pop(key, None)
    return {}


def first_calls(contestant, args, repeat):
    """What compiling costs: the first three calls of a new function, above three later ones."""
    extra = []
    for _ in range(repeat):
        function = contestant.step(problem.make_problem(**args))
        seconds = []
        for _ in range(23):
            start = time.perf_counter()
            function()
            seconds.append(time.perf_counter() - start)
        extra.append(sum(seconds[:3]) - 3 * statistics.median(seconds[3:]))
    return {"seconds": extra}


def resident(field):
    """A line of ``/proc/self/status``, in bytes: VmRSS is the memory held now, VmHWM the most held."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field))


def memory(contestant, args, small):
    """The most memory that training takes above what the process held before; libraries are loaded and warm."""
    start = problem.make_problem(**args)
    warm = contestant.step(problem.make_problem(**small))
    for _ in range(3):
        warm()
    before = resident("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the most held starts anew from now
    function = contestant.step(start)
    for _ in range(5):
        function()
    return {"bytes": resident("VmHWM") - before, "total": resident("VmHWM")}


COMMANDS = {f.__name__: f for f in (prepare, measure, forget, first_calls, memory)}


def serve(name, requests, replies):
    """Answer requests until there are no more."""

    def reply(answer):
        print(json.dumps(answer), file=replies, flush=True)

    try:
        contestant = importlib.import_module(f"benchmarks.contestants.{name}")
        answer = hello(contestant)
    except ImportError as error:
        reply({"missing": str(error)})
        return
    reply(answer)
    for line in requests:
        request = json.loads(line)
        try:
            answer = COMMANDS[request.pop("do")](contestant, **request)
        except Exception as error:  # whatever a contestant raises is its result
            words = str(error).strip().splitlines() or [""]
            answer = {"error": f"{type(error).__name__}: {words[0]}"[:200]}
        reply(answer)


if __name__ == "__main__":
    # Whatever a library prints must not come between the answers.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        serve(sys.argv[1], sys.stdin, replies)
