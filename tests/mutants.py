"""``python -m tests.mutants``: plant wrong rules one by one, and see that the ordinary tests kill each.

Exit status: 0 where every mutant was killed or is shown equivalent, 1 where one survived that is not or a key of
the table of equivalents is stale, 2 where the tests fail without any mutant. See ``docs/mutation.md``; the parts are in ``mutation/``.
"""

from __future__ import annotations

import argparse
import fnmatch
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from tqdm import tqdm

from .mutation.equivalent import EQUIVALENT
from .mutation.plant import Mutant, plant

ROOT = Path(__file__).resolve().parents[1]
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "out", "dist", "build", "shared", "benchmarks")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")}


def reason(mutant: Mutant) -> str | None:
    """Why a mutant is equivalent to the original, if the table says so."""
    return EQUIVALENT.get(mutant.signature)


class Tree:
    """A private copy of the tree with a worker process in it."""

    def __init__(self, parent: Path, name: str, source: Path) -> None:
        self.path = parent / name
        shutil.copytree(source, self.path)
        to_worker, from_worker = os.pipe(), os.pipe()
        environment = {**os.environ, **ONE_THREAD, "CI": "1", "PYTHONPATH": str(self.path), "MPLBACKEND": "Agg"}
        command = [sys.executable, "-m", "tests.mutation.worker", str(to_worker[0]), str(from_worker[1])]
        self.log = (parent / f"{name}.log").open("w+")
        self.process = subprocess.Popen(
            command,
            cwd=self.path,
            env=environment,
            pass_fds=(to_worker[0], from_worker[1]),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the program above, which then reports what it has
        )
        os.close(to_worker[0])
        os.close(from_worker[1])
        self.requests, self.replies = os.fdopen(to_worker[1], "w"), os.fdopen(from_worker[0])

    def ask(self, **request: Any) -> dict[str, Any]:
        """One request of `Worker.examine`, and its answer."""
        self.requests.write(json.dumps({"skip": [], "everything": True, "share": [0, 1], **request}) + "\n")
        self.requests.flush()
        line = self.replies.readline()
        if not line:
            self.process.wait()
            self.log.seek(0)
            raise RuntimeError(f"the worker ended; pytest said:\n{self.log.read()[-4000:]}")
        return json.loads(line)

    def close(self) -> None:
        self.requests.close()
        self.process.wait(60)
        self.replies.close()
        self.log.close()


def choose(root: Path, options: argparse.Namespace) -> list[Mutant]:
    """The mutants asked for, of the tree at `root`."""
    mutants = plant(root)
    patterns = options.only or ["*"]
    chosen = [m for m in mutants if any(fnmatch.fnmatchcase(m.id, p) or p in m.id for p in patterns)]
    if options.again:
        earlier = json.loads(Path(options.again).read_text())["mutants"]
        lived = {row["signature"] for row in earlier if row["outcome"] in ("survived", "error")}
        chosen = [m for m in chosen if m.signature in lived]
    if options.sample and options.sample < len(chosen):
        chosen = sorted(random.Random(options.seed).sample(chosen, options.sample), key=mutants.index)
    return chosen


def observe(trees: list[Tree]) -> list[str]:
    """Run all tests without a mutant, shared among the workers, and note what each of them runs; those that fail."""
    note = trees[0].path.parent / "baseline.json"
    if not note.exists():
        ask = lambda k: trees[k].ask(id="", timeout=3600, share=[k, len(trees)])
        with ThreadPoolExecutor(len(trees)) as pool:
            answers = list(pool.map(ask, range(len(trees))))
        if failed := [answer["by"] for answer in answers if answer["outcome"] != "observed"]:
            raise RuntimeError(f"the tests could not be run without a mutant: {failed}")
        tests = {name: seen for answer in answers for name, seen in answer["tests"].items()}
        print(f"{len(tests)} tests without a mutant: {max(a['seconds'] for a in answers):.0f} s", flush=True)
        note.write_text(json.dumps({"tests": tests}))
    return [name for name, seen in json.loads(note.read_text())["tests"].items() if not seen["passed"]]


def run(root: Path, mutants: list[Mutant], options: argparse.Namespace) -> tuple[list[dict[str, Any]], list[str]]:
    """The outcome of each mutant (of the first ones, where Ctrl-C ended the run), and the tests that fail without one."""
    trees = [Tree(root.parent, f"tree{k}", root) for k in range(options.jobs)]
    free, lock = list(trees), threading.Lock()
    try:
        skip = observe(trees)
        if skip and not options.skip_broken:
            return [], skip
        bar = tqdm(
            total=len(mutants), unit="mutant", smoothing=0.05, disable=options.quiet, mininterval=options.interval
        )
        stop = threading.Event()

        def examine(mutant: Mutant) -> dict[str, Any] | None:
            if stop.is_set():
                return None
            with lock:
                tree = free.pop()
            # A mutant known to be equivalent survives: the whole suite need not be run to see that.
            everything = reason(mutant) is None and not options.fast
            result = tree.ask(id=mutant.id, skip=skip, timeout=options.timeout, everything=everything)
            with lock:
                free.append(tree)
                bar.update()
            if result["outcome"] == "survived" and reason(mutant) is None:
                bar.write(f"survived: {mutant.id}    {mutant.signature}", file=sys.stderr)
            return result

        with ThreadPoolExecutor(options.jobs) as pool, bar:
            futures = [pool.submit(examine, mutant) for mutant in mutants]
            try:
                wait(futures)
            except KeyboardInterrupt:
                stop.set()
        return list(itertools.takewhile(bool, (f.result() for f in futures))), skip
    finally:
        for tree in trees:
            tree.close()


def stale(mutants: list[Mutant], results: list[dict[str, Any]], whole: bool) -> list[str]:
    """Keys of the table that match nothing (told on a whole run only), or a mutant that was killed."""
    problems = []
    for key in EQUIVALENT:
        found = [(m, r) for m, r in zip(mutants, results, strict=True) if m.signature == key]
        if whole and not found:
            problems.append(f"{key}: matches no mutant")
        problems += [f"{key}: {m.id} was killed by {r['by']}" for m, r in found if r["outcome"] != "survived"]
    return problems


def report(
    mutants: list[Mutant],
    results: list[dict[str, Any]],
    source: dict[str, str],
    options: argparse.Namespace,
    seconds: float,
) -> int:
    """Print and write the result; the exit status."""
    outcomes = Counter(r["outcome"] for r in results)
    pairs = list(zip(mutants, results, strict=True))
    lived = [m for m, r in pairs if r["outcome"] == "survived"]
    equivalent = [m for m in lived if reason(m)]
    survivors = [m for m in lived if not reason(m)]
    errors = [(m, r) for m, r in pairs if r["outcome"] == "error"]
    problems = stale(mutants, results, whole=not (options.only or options.sample or options.again))

    print("\nequivalent, with the reason:" if equivalent else "")
    for why in dict.fromkeys(reason(m) for m in equivalent):
        print(f"- {why}")
        print("".join(f"    {m.signature}\n" for m in equivalent if reason(m) == why), end="")
    for mutant in survivors:
        print(f"\nSURVIVED {mutant.id}\n{mutant.diff(source[mutant.file])}", end="")
    for mutant, result in errors:
        print(f"\nCOULD NOT BE PLANTED {mutant.id}: {result['by']}\n{mutant.diff(source[mutant.file])}", end="")
    for problem in problems:
        print(f"\nSTALE {problem}")
    print("\n| file | planted | killed | timed out | equivalent | survived |\n|---|---|---|---|---|---|")
    for file in (*source, "all"):
        here = [(m, r["outcome"]) for m, r in pairs if file in (m.file, "all")]
        count = Counter(outcome for _, outcome in here)
        same = sum(m in equivalent for m, _ in here)
        print(
            f"| {file} | {len(here)} | {count['killed']} | {count['timeout']} | {same} | {count['survived'] - same} |"
        )
    real = len(mutants) - len(equivalent)
    score = 100 * (outcomes["killed"] + outcomes["timeout"]) / max(real, 1)
    print(f"\nmutation score {score:.2f}% of {real} in {seconds:.0f} s; {len(survivors)} unexplained survivors")
    if options.json:
        rows = [{**r, "signature": m.signature, "reason": reason(m), "diff": m.diff(source[m.file])} for m, r in pairs]
        summary = {"planted": len(mutants), **outcomes, "equivalent": len(equivalent), "unexplained": len(survivors)}
        Path(options.json).write_text(json.dumps({"summary": summary, "mutants": rows}, indent=1) + "\n")
    return int(bool(survivors or errors or problems))


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", action="append", metavar="PATTERN", help="mutants whose id contains or matches this; may be repeated"
    )
    parser.add_argument("--list", action="store_true", help="print the mutants and run nothing")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="worker processes (default: one per core)"
    )
    parser.add_argument("--sample", type=int, metavar="N", help="N mutants drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="which ones (default: 0)")
    parser.add_argument(
        "--timeout", type=float, default=30.0, metavar="SECONDS", help="for one test on a mutant (default: 30)"
    )
    parser.add_argument(
        "--fast", action="store_true", help="only the tests that run the rule in question, not the rest of the suite"
    )
    parser.add_argument(
        "--baseline", metavar="FILE", help="what the tests do without a mutant: read if there, else written"
    )
    parser.add_argument("--again", metavar="FILE", help="only what survived in an earlier --json")
    parser.add_argument("--skip-broken", action="store_true", help="leave out the tests that fail without a mutant")
    parser.add_argument("--json", metavar="FILE", help="write every outcome to this file")
    parser.add_argument(
        "--interval", type=float, default=0.5, metavar="SECONDS", help="between two looks of the progress bar"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    if options.list:
        mutants = choose(ROOT, options)
        print(*(f"{m.id}    {m.before}  ->  {m.after}" for m in mutants), f"{len(mutants)} mutants", sep="\n")
        return 0
    started = time.perf_counter()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended early, it still reports what it has
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        root = Path(scratch) / "original"  # one state of the tree, though somebody may be editing it
        shutil.copytree(ROOT, root, ignore=NOT_COPIED)
        if options.baseline and Path(options.baseline).exists():
            shutil.copy(options.baseline, root.parent / "baseline.json")
        mutants = choose(root, options)
        results, broken = run(root, mutants, options)
        if options.baseline and (root.parent / "baseline.json").exists():
            shutil.copy(root.parent / "baseline.json", options.baseline)
        source = {file: (root / file).read_text() for file in {m.file for m in mutants}}
    if broken:
        print("these tests fail without any mutant:", *broken, sep="\n  ")
        if not results or not options.skip_broken:
            return 2
    if len(results) < len(mutants):
        print(f"ended early: {len(results)} of {len(mutants)} mutants")
        options.only = options.only or ["*"]
    return report(mutants[: len(results)], results, source, options, time.perf_counter() - started)


if __name__ == "__main__":
    sys.exit(main())
