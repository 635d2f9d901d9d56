"""The command line of the benchmarks."""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import machine, picture, report, special
from .cases import ALTERNATING, STEP
from .contestants import TITLES
from .problem import SIZES
from .processes import ROOT, cores, environment
from .rounds import Run, alternate
from .targets import RIGHT

CASES = [*ALTERNATING, *special.SPECIAL]


def listed(known):
    """A parser of names with commas between them."""

    def parse(text):
        names = [n.strip() for n in text.split(",") if n.strip()]
        if unknown := [n for n in names if n not in known]:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
        return names

    return parse


def parse(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser("python -m benchmarks", description="Measure tinytensor against its peers.")
    add = parser.add_argument
    add("--only", type=listed(TITLES), metavar="NAMES", help=f"of {', '.join(TITLES)}; the reference runs anyhow")
    add("--cases", type=listed(CASES), default=CASES, metavar="NAMES", help=f"of {', '.join(CASES)}")
    add("--sizes", type=listed(SIZES), default=list(SIZES), metavar="SIZES", help="of S, M, L")
    add("--quick", action="store_true", help="few and short rounds")
    add("--rounds", type=int, help="rounds of the training step (21; quick: 5)")
    add("--starts", type=int, help="processes of each contestant at L, one after the other (3; quick: 1)")
    add("--seconds", type=float, help="of each turn in a round (0.3; quick: 0.1)")
    add("--threads", type=int, default=cores(), help="of each contestant (as many as cores)")
    add("--json", type=Path, metavar="FILE", help="write the figures")
    add("--picture", type=Path, metavar="FILE", help="draw them")
    add("--markdown", type=Path, metavar="PAGE", help="put the tables between the marks of a page")
    add("--from", type=Path, dest="source", metavar="FILE", help="show what was measured before, from its JSON")
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (5 if options.quick else 21)
    options.seconds = options.seconds or (0.1 if options.quick else 0.3)
    options.starts = options.starts or (1 if options.quick else 3)
    options.few = min(options.rounds, 3 if options.quick else 7)
    return options


def data(run, options):
    """Write the data of the digits and the moons; without scikit-learn their cases are skipped."""
    command = [sys.executable, "-m", "benchmarks.data", str(options.folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment())
    if done.returncode:
        for case in {"digits", "moons"} & set(options.cases):
            run.skip("all", (done.stderr.strip().splitlines() or ["?"])[-1], case)
        options.cases = [c for c in options.cases if c not in ("digits", "moons")]


def measure(options):
    """Measure all cases, and return the record: what the JSON file holds."""
    about = machine.describe()
    run = Run(options.threads, extra={"TORCHINDUCTOR_CACHE_DIR": str(options.folder / "inductor")})
    try:
        numpy = run.worker("numpy_by_hand")
        about["blas"] = machine.blas(numpy.about if numpy else {})
        options.other_kernel = about["cpu"]["avx512"] and about["blas"]["kernel"] not in (None, *RIGHT)
        if {"digits", "moons"} & set(options.cases):
            data(run, options)
        for name in CASES:
            if name not in options.cases:
                continue
            if name in special.SPECIAL:
                special.SPECIAL[name](run, options)
                continue
            for case in ALTERNATING[name](options):
                keep = {*(options.only or case.names), STEP[0]}
                case.names = [n for n in case.names if n.partition("/")[0] in keep or n in keep]
                alternate(run, case)
        idle = special.idle(run)
    finally:
        run.close()
    settings = {
        k: getattr(options, k)
        for k in ("rounds", "starts", "seconds", "few", "threads", "quick", "sizes", "cases", "only")
    }
    return {
        "machine": about, "versions": run.versions, "settings": settings, "skipped": run.skipped, "idle": idle,
        "pools": {name: w.about["pools"] for name, w in run.workers.items() if w is not None},
        "cases": run.cases,
    }  # fmt: skip


def main(arguments=None):
    """Measure or read, and report."""
    options = parse(arguments)
    if options.source:
        record = json.loads(options.source.read_text())
    else:
        options.folder = Path(tempfile.mkdtemp(prefix="benchmarks-"))
        try:
            record = measure(options)
        finally:
            shutil.rmtree(options.folder, ignore_errors=True)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    text = report.render(record)
    print(text)
    if options.markdown:
        options.markdown.write_text(report.insert(options.markdown.read_text(), text))
    if options.picture:
        try:
            picture.draw(record, options.picture)
        except ImportError as error:
            print(f"no picture: {error}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
