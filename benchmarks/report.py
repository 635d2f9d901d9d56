"""The tables, in Markdown: what each contestant took, and how far the project is from its targets."""

import statistics

from .contestants import TITLES, title
from .targets import judge_all, quartiles, words

MARKS = ("<!-- table: begin -->", "<!-- table: end -->")
OURS = "tinytensor_eager"
SCALES = ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (0.0, "ns"))


def time_words(seconds):
    """Seconds with three digits and a unit that fits."""
    scale, unit = next((s, u) for s, u in SCALES if seconds >= s)
    return f"{seconds / (scale or 1e-9):.3g} {unit}"


def size_words(size):
    """Bytes as MiB."""
    return f"{size / 2**20:.1f} MiB"


def table(header, rows):
    """A Markdown table with its columns aligned: the first to the left, the others to the right."""
    cells = [[str(c) for c in row] for row in (header, *rows)]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(header))]
    lines = [
        "| "
        + " | ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True)))
        + " |"
        for r in cells
    ]
    rule = "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def order(name):
    """The place of a contestant in every table."""
    base, _, kernel = name.partition("/")
    names = list(TITLES)
    return (bool(kernel), names.index(base) if base in names else len(names), name)


def ratio_words(ours, theirs):
    """The median of the rounds' ratios and its quartiles, where the rounds are the same."""
    if len(ours) != len(theirs):
        return "-"
    low, middle, high = quartiles([a / b for a, b in zip(ours, theirs, strict=True)])
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def steps(record):
    """The training step: medians with their spread, and tinytensor's ratio to each."""
    parts = []
    for case in (c for c in record["cases"] if c.startswith("step ")):
        row = record["cases"][case]
        rows = []
        for name in sorted(row, key=order):
            low, middle, high = quartiles(row[name]["median"])
            cells = [
                title(name),
                time_words(middle),
                f"{(high - low) / middle:.0%}",
                time_words(min(row[name]["least"])),
            ]
            for ours in (OURS, "tinytensor_compiled"):
                if ours in row:
                    cells.append("1" if name == ours else ratio_words(row[ours]["median"], row[name]["median"]))
            rows.append(cells)
        ratios = [f"{title(o)} / this" for o in (OURS, "tinytensor_compiled") if o in row]
        parts.append(f"Training step, {case[5:]}:\n\n" + table(["", "median", "spread", "least", *ratios], rows))
    return parts


def grid(record, prefix, heading, render):
    """The cases of one family as columns, contestants as rows, medians as cells."""
    cases = [c for c in record["cases"] if c == prefix.strip() or c.startswith(prefix)]
    if not cases:
        return []
    names = sorted({name for c in cases for name in record["cases"][c]}, key=order)
    rows = []
    for name in names:
        figures = [record["cases"][c].get(name) for c in cases]
        rows.append([title(name), *(render(statistics.median(f["median"])) if f else "-" for f in figures)])
    return [f"{heading}:\n\n" + table(["", *(c.removeprefix(prefix) or "median" for c in cases)], rows)]


def grids(record):
    """All other cases."""
    times = f"{{:.2f}} {'times'}".format
    return [
        *grid(record, "digits", "Training the digits classifier, 20 epochs of Adam", time_words),
        *grid(record, "moons", "One step of micrograd's demo", time_words),
        *grid(record, "operation ", "One operation on a 4 by 4 array", time_words),
        *grid(record, "depth ", "A chain of so many operations, forward and backward, for each operation", time_words),
        *grid(record, "width ", "The step at 64-width-width-10, batch 64", time_words),
        *grid(record, "batch ", "The step of M's network at other batches", time_words),
        *grid(record, "compile ", "What the first calls cost above later ones", time_words),
        *grid(record, "import", "Import, above NumPy's", time_words),
        *grid(record, "memory ", "Most memory of a training step, above that before it", size_words),
        *grid(
            record,
            "together ",
            "Two trainings at once: the time of a step over that alone, the worse of the two",
            times,
        ),
    ]


def targets(record):
    """The verdicts."""
    rows = []
    for verdict in judge_all(record):
        spread = "" if verdict.ratio is None else f"{verdict.low:.3g} to {verdict.high:.3g}"
        measured = "" if verdict.ratio is None else f"{verdict.ratio:.3g}"
        rows.append([words(verdict), f"{verdict.target.limit:g}", measured, spread, verdict.word])
    return [table(["target", "at most", "measured", "spread", "verdict"], rows)]


def origin(record):
    """Where and when the figures were measured, in sentences."""
    machine, settings = record["machine"], record["settings"]
    versions = ", ".join(f"{k} {v}" for k, v in sorted(record["versions"].items()))
    kernel = machine["blas"]["kernel"] or "of unknown name"
    busy = " **Others used the machine: take the figures with care.**" if (machine["load"] or 0) > 0.5 else ""
    starts = settings.get("starts", 1)
    starts = f", at L in {starts} processes of each" if starts > 1 else ""
    lines = [
        f"Measured {machine['date']} at commit {machine['commit']} on {machine['cpu']['model']}, "
        f"{machine['cores']} cores, {settings['threads']} thread(s) for each contestant, load {machine['load']} before "
        f"the start; {machine['system']}, Python {machine['python']}; NumPy's BLAS: {machine['blas']['name']}, "
        f"kernel {kernel}. {settings['rounds']} rounds of {settings['seconds']:g} s{starts}.{busy}",
        f"Versions: {versions}.",
    ]
    shares = record["idle"]
    if shares:
        name, share = max(shares.items(), key=lambda item: item[1])
        lines.append(f"While waiting for their turns, contestants used {share:.1%} of a core at most ({title(name)}).")
    for case, names in record["skipped"].items():
        where = "" if case == "all" else f" in {case}"
        lines += [f"Skipped{where}: {title(name)} ({reason})." for name, reason in names.items()]
    return lines


def render(record):
    """The whole report."""
    return "\n\n".join([*origin(record), *targets(record), *steps(record), *grids(record)]) + "\n"


def insert(page, text):
    """A page with its part between the marks replaced."""
    before, begin, rest = page.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not (begin and end):
        raise ValueError(f"the page has no {MARKS[0]} … {MARKS[1]}")
    return f"{before}{begin}\n{text}{end}{after}"
