"""Measure cases in rounds: in each, all contestants take one turn after the other, and only one runs at a time."""

import sys
from contextlib import suppress
from dataclasses import dataclass, field, replace

from .processes import Skipped, Worker


@dataclass
class Case:
    """One thing to measure: what, by whom, how often."""

    key: str
    kind: str  # the function of the contestants
    args: dict
    names: list  # contestants
    rounds: int  # 0 takes the time of the first call
    seconds: float  # of each turn
    check: int = 1  # calls whose results are compared before timing
    tolerance: float | None = None  # relative, to the reference's largest result; None compares nothing
    least: float | None = None  # what each result must reach
    per: int = 1  # the time is divided by this
    after: str = ""  # the case before in the same family,
    most: float = float("inf")  # and the seconds for a call: who will need more, judged by it, is skipped
    starts: int = 1  # processes of each contestant, one after the other, over which the rounds are spread


@dataclass
class Run:
    """The workers that are alive, and what they measured."""

    threads: int
    seconds: float = 0.3
    workers: dict = field(default_factory=dict)
    skipped: dict = field(default_factory=dict)  # {case or "all": {name: reason}}
    cases: dict = field(default_factory=dict)  # {case: {name: {"median": [...], "least": [...]}}}
    extra: dict = field(default_factory=dict)  # environment for all
    versions: dict = field(default_factory=dict)

    def skip(self, name, reason, key="all"):
        """Leave a contestant out, by name."""
        self.skipped.setdefault(key, {})[name] = reason
        print(f"  skipped: {name}{'' if key == 'all' else f' in {key!r}'}: {reason}", file=sys.stderr)

    def worker(self, name):
        """The worker of a contestant, started at first use; None where it is missing."""
        if name not in self.workers:
            try:
                self.workers[name] = Worker(name, self.threads, **self.extra)
                self.versions |= self.workers[name].about["versions"]
            except Skipped as reason:
                self.workers[name] = None
                self.skip(name, str(reason))
        return self.workers[name]

    def restart(self, names):
        """End these workers and start new ones; how busy the old ones were while they waited is kept."""
        for name in names:
            if (old := self.workers.get(name)) is None:
                continue
            old.close()
            del self.workers[name]
            if (new := self.worker(name)) is not None:
                new.idle = old.idle

    def record(self, key, name, median, least=None):
        """Add a round's figures."""
        row = self.cases.setdefault(key, {}).setdefault(name, {"median": [], "least": []})
        row["median"].append(median)
        row["least"].append(median if least is None else least)

    def close(self):
        """End all workers."""
        for worker in filter(None, self.workers.values()):
            worker.close()


def differs(results, reference, tolerance):
    """Whether two lists of losses differ by more than the tolerance."""
    pairs = list(zip(results, reference, strict=False))
    scale = max(map(abs, reference), default=0.0)
    return not pairs or any(not abs(a - b) <= tolerance * scale for a, b in pairs)


def verify(case, results, reference):
    """Raise Skipped for a contestant that computes something else."""
    if case.tolerance is not None and differs(results, reference, case.tolerance):
        raise Skipped(f"other results: {results} instead of {reference}")
    if case.least is not None and min(results) < case.least:
        raise Skipped(f"its result {min(results):.4f} is below {case.least}")


def too_slow(run, case, name):
    """Why a contestant is spared a case, by what it took (or that it failed) in the one before; None if it isn't."""
    if not case.after:
        return None
    if name not in run.cases.get(case.after, {}):
        return f"no result at {case.after}"
    seconds = run.cases[case.after][name]["median"][-1] * case.per
    return f"one call would take about {seconds:.0f} seconds" if seconds > case.most else None


def ready(run, case):
    """Prepare a case in all its contestants, and check their results against those of the first."""
    present, reference = [], None
    for name in case.names:
        worker = run.worker(name)
        if worker is None or case.kind not in worker.about["kinds"]:
            continue
        if (reason := too_slow(run, case, name)) is not None:
            run.skip(name, reason, case.key)
            continue
        calls = min(case.check, 2) if worker.about.get("slow") else case.check
        try:
            answer = worker.ask("prepare", key=case.key, kind=case.kind, args=case.args, check=calls)
            if worker.about.get("checked", True):
                reference = reference or answer["results"]
                verify(case, answer["results"], reference)
            if case.rounds == 0:
                run.record(case.key, name, answer["seconds"] / case.per)
        except Skipped as reason:
            run.skip(name, str(reason), case.key)
            continue
        present.append(worker)
    return present


def turn(run, case, worker):
    """One contestant's turn in a round; whether it can take another."""
    try:
        answer = worker.ask("measure", key=case.key, seconds=case.seconds)
    except Skipped as reason:
        run.skip(worker.name, str(reason), case.key)
        return False
    run.record(case.key, worker.name, answer["median"] / case.per, answer["least"] / case.per)
    return True


def alternate(run, case):
    """Measure a case, in as many processes of each contestant as it says, one after the other."""
    print(f"{case.key} ...", file=sys.stderr, flush=True)
    case, present = replace(case), []
    for start in range(case.starts):
        if case.starts > 1:  # at the first start too, so that none has a process that did something else before
            run.restart(case.names)
        present = ready(run, case)
        for number in range(case.rounds * start // case.starts, case.rounds * (start + 1) // case.starts):
            order = present if number % 2 == 0 else present[::-1]  # nobody always follows the same one
            present = [w for w in order if turn(run, case, w)]
            present = present if number % 2 == 0 else present[::-1]
        case.names = [w.name for w in present]  # who is gone does not start again
    for name in {*run.cases.get(case.key, ())} - {*case.names}:
        del run.cases[case.key][name]  # paired rounds, or none
    for worker in present:
        with suppress(Skipped):  # it died when all was measured
            worker.ask("forget", key=case.key)
