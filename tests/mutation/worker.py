"""One process that runs the ordinary tests on one mutant after another.

pytest collects the suite once; for each mutant the process forks, the child plants the mistake in the
live functions and rows, and runs the collected tests, the most relevant first, until one fails. So
no mutant sees another, a hanging one is killed, and nothing is imported twice. Run by
``tests/mutants.py`` on a private copy of the tree. Read next: ``equivalent.py``.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import json
import os
import resource
import select
import signal
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from .live import apply_mutant, apply_nothing, name_row, rows_by_statement, trace_rows
from .plant import ENGINE, Mutant, plant

# What concerns the engine itself, before all the rest.
ENGINE_TESTS = (
    "test_engine",
    "test_primitive",
    "test_conventions",
    "test_numpy",
    "test_value",
    "test_tensor",
    "test_errors",
)
# These run programs of their own and test no rule.
LEFT_OUT = ("test_examples", "test_cli")
LONGEST = 3600  # seconds for all tests on one mutant
MEMORY = 4 << 30  # what a mutant may take beyond the worker's own

FIRST_TEST = {"first-order": "test_higher_derivatives", "widened": "test_float32_stays_float32"}


class Worker:
    """The pytest plugin that runs mutants in place of the usual loop over the tests."""

    def __init__(self, requests: Any, replies: Any) -> None:
        self.requests, self.replies = requests, replies
        self.root = Path.cwd()
        self.running = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        """The suite's own examples, always the same ones; a failure is not shrunk, since nobody reads it.

        A test of which the shrunk example is the point names its phases itself.
        """
        from hypothesis import HealthCheck, Phase, settings  # not before pytest, which wants to import it itself

        settings.register_profile(
            "mutants", derandomize=True, deadline=None, database=None, report_multiple_bugs=False,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.too_slow],
        )  # fmt: skip
        settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        import tinytensor

        assert Path(tinytensor.__file__).is_relative_to(self.root), "a mutant would be planted in the wrong tree"
        self.items = [item for item in session.items if not item.path.stem.startswith(LEFT_OUT)]
        self.mutants = {mutant.id: mutant for mutant in plant(self.root)}
        self.rows = rows_by_statement(self.root)
        self.warm_up()
        for line in self.requests:
            self.replies.write(json.dumps(self.examine(**json.loads(line))) + "\n")
            self.replies.flush()
        return True

    def warm_up(self) -> None:
        """Import here what the first test would import in every child, and keep its collector off the worker's objects."""
        for item in [item for item in self.items if item.path.stem in ("test_rules", "test_conventions")][::40]:
            runtestprotocol(item, log=False, nextitem=None)
        gc.collect()
        gc.freeze()

    def examine(self, id: str, skip: list[str], timeout: float, everything: bool, share: list[int]) -> dict[str, Any]:
        """Run the tests on one mutant; where `id` is empty on none, this worker's share of all tests."""
        mutant = self.mutants[id] if id else None
        first, rest = self.ordered(mutant, set(skip))
        items = (first + (rest if everything else []))[share[0] :: share[1]]
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            self.child(mutant, items, writer, timeout)
        os.close(writer)
        started, text = time.perf_counter(), b""
        outcome = {"outcome": "timeout", "by": f"{LONGEST} s in all"}
        while (left := started + LONGEST - time.perf_counter()) > 0 and select.select([reader], [], [], left)[0]:
            chunk = os.read(reader, 1 << 16)
            text += chunk
            if not chunk:
                outcome = json.loads(text) if text else {"outcome": "killed", "by": "the process died"}
                break
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(reader)
        return {"id": id, "seconds": round(time.perf_counter() - started, 3), **outcome}

    def ordered(self, mutant: Mutant | None, skip: set[str]) -> tuple[list[pytest.Item], list[pytest.Item]]:
        """The tests that run the rules in question, the quick ones first, and the rest of the suite."""
        items = [item for item in self.items if item.nodeid not in skip]
        if mutant is None:
            return items, []
        seen = self.seen()
        if mutant.file in ENGINE:
            concerned = {item for item in items if item.path.stem in ENGINE_TESTS}
        else:
            rows = {name_row(row) for row in self.rows.get((mutant.file, mutant.statement), ())}
            concerned = {item for item in items if not rows or not rows.isdisjoint(seen[item.nodeid]["rows"])}
        wanted = FIRST_TEST.get(mutant.operator, "test_forward_and_gradient")
        rank = {item: (not item.name.startswith(wanted), seen[item.nodeid]["seconds"]) for item in items}
        return sorted(concerned, key=rank.get), sorted(set(items) - concerned, key=rank.get)  # type: ignore[arg-type]

    @functools.cache  # noqa: B019  # one worker, one process
    def seen(self) -> dict[str, dict[str, Any]]:
        """What the run without a mutant found out of each test: the rows that it runs, and how long it takes."""
        nothing = {"rows": [], "seconds": 1.0}
        known = json.loads((self.root.parent / "baseline.json").read_text())["tests"]
        return {item.nodeid: known.get(item.nodeid, nothing) for item in self.items}

    def child(self, mutant: Mutant | None, items: list[pytest.Item], writer: int, timeout: float) -> None:
        """In the fork: plant, test, answer, and end without ceremony."""
        answer: dict[str, Any]

        def end(*_: Any) -> None:
            with os.fdopen(writer, "w") as pipe:
                json.dump(answer, pipe)
            os._exit(0)

        def too_long(*_: Any) -> None:
            nonlocal answer
            answer = {"outcome": "timeout", "by": f"{self.running} ran for {timeout:g} s"}
            end()

        try:
            signal.signal(signal.SIGALRM, too_long)
            own = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (own + MEMORY, own + MEMORY))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                apply_nothing(self.root) if mutant is None else apply_mutant(self.root, mutant)
            answer = self.observe(items) if mutant is None else self.attack(items, timeout)
        except BaseException as error:  # the parent has to hear of it: this process has no other voice
            answer = {"outcome": "error", "by": f"{type(error).__name__}: {error}"}
        signal.setitimer(signal.ITIMER_REAL, 0)
        end()

    def attack(self, items: list[pytest.Item], timeout: float) -> dict[str, Any]:
        """Run tests until one fails, or takes far longer than it should."""
        for item in items:
            self.running = item.nodeid
            signal.setitimer(signal.ITIMER_REAL, max(timeout, 20 * self.seen()[item.nodeid]["seconds"]))
            if not passes(item):
                return {"outcome": "killed", "by": item.nodeid}
        return {"outcome": "survived", "by": ""}

    def observe(self, items: list[pytest.Item]) -> dict[str, Any]:
        """Run all tests, and see of each whether it passes, how long it takes and which rows it runs."""
        touched: set[str] = set()
        trace_rows(touched)
        tests = {}
        for item in items:
            touched.clear()
            started = time.perf_counter()
            passed = passes(item)
            seconds = round(time.perf_counter() - started, 4)
            tests[item.nodeid] = {"passed": passed, "seconds": seconds, "rows": sorted(touched)}
        return {"outcome": "observed", "tests": tests}


# They count calls, and what is planted here is called too; measure the machine; or train, draw and store with rules
# that others test. None is about a rule or the engine.
ASIDE = (
    "test_speed_guard.py", "test_benchmarks.py", "test_blas.py", "test_threads.py", "test_sklearn*.py", "test_cli*.py",
    "test_mpi*.py", "test_checkpoint*.py", "test_io*.py", "test_plots.py", "test_docs.py", "test_draw*.py",
    "test_stepper*.py", "test_lecture.py",
)  # fmt: skip


def passes(item: pytest.Item) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def main(requests: int, replies: int) -> None:
    with os.fdopen(requests) as reading, os.fdopen(replies, "w") as writing:
        options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:faulthandler", "--tb=no", "tests"]
        options += [f"--ignore-glob=tests/{name}" for name in ASIDE]
        pytest.main(options, plugins=[Worker(reading, writing)])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
