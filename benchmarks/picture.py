"""The figures as a picture: the step's times as bars, and how they grow with depth, width and batch."""

import statistics

from .contestants import title
from .report import order, time_words

COLORS = {
    "tinytensor_eager": "tab:orange", "tinytensor_compiled": "tab:red", "tinytensor_value": "tab:pink",
    "numpy_by_hand": "tab:gray", "numpy_out": "darkgray", "matmuls": "lightgray", "torch_eager": "tab:blue",
    "torch_compile": "tab:cyan", "jax_jit": "tab:green", "mygrad_eager": "tab:olive", "hips_autograd": "tab:purple",
    "micrograd_scalar": "tab:brown", "sklearn_mlp": "navy",
}  # fmt: skip


def bars(axes, case, row):
    """One size: a bar for each contestant, the fastest on top; those far behind run out of the picture."""
    medians = {name: statistics.median(f["median"]) for name, f in row.items()}
    names = sorted(medians, key=medians.get, reverse=True)
    edge = max(m for m in medians.values() if m <= 30 * min(medians.values()))
    lengths = [min(medians[n], 1.1 * edge) for n in names]
    axes.barh([title(n) for n in names], lengths, color=[COLORS[n.partition("/")[0]] for n in names])
    labels = [time_words(medians[n]) + (" →" if medians[n] > edge else "") for n in names]
    axes.bar_label(axes.containers[0], labels, padding=3, fontsize=8)
    axes.set(title=f"training step, {case[5:]}", xlim=(0, 1.4 * edge), xticks=[])
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(labelsize=8)


def lines(axes, cases, prefix, label):
    """One family of cases: a line for each contestant."""
    points = {}
    for case, row in cases.items():
        if case.startswith(prefix):
            for name, figures in row.items():
                points.setdefault(name, []).append((int(case[len(prefix) :]), statistics.median(figures["median"])))
    for name in sorted(points, key=order):
        axes.plot(*zip(*points[name], strict=True), marker=".", label=title(name), color=COLORS[name])
    axes.set(xscale="log", yscale="log", xlabel=prefix.strip(), title=label)
    axes.grid(alpha=0.3)
    if points:
        axes.legend(fontsize=7, frameon=False)


def draw(record, path):
    """Write the picture."""
    from matplotlib.figure import Figure

    cases = record["cases"]
    sizes = [c for c in cases if c.startswith("step ")]
    figure = Figure(figsize=(15, 8.5), layout="constrained")
    grid = figure.subplots(2, 3)
    for axes, case in zip(grid[0], sizes, strict=False):
        bars(axes, case, cases[case])
    for axes in grid[0][len(sizes) :]:
        axes.axis("off")
    lines(grid[1][0], cases, "depth ", "seconds per operation of a chain")
    lines(grid[1][1], cases, "width ", "seconds per step by width")
    lines(grid[1][2], cases, "batch ", "seconds per step by batch")
    machine = record["machine"]
    figure.suptitle(
        f"{machine['cpu']['model']}, {machine['cores']} cores, {machine['date']}, {machine['commit']}", fontsize=10
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
