"""What the project wants to reach, as a table, and how far a run is from it."""

import statistics
from dataclasses import dataclass

from .contestants import title

RIGHT = ("SkylakeX", "Cooperlake", "SapphireRapids")  # kernels that use AVX-512

EAGER, COMPILED = "tinytensor_eager", "tinytensor_compiled"


@dataclass
class Target:
    """A figure of ours that must not exceed ``limit`` times a peer's in the same rounds, or ``limit`` alone."""

    case: str
    ours: str
    peer: str | None
    limit: float
    kernel: str = ""  # "right", or "default" for a target that only counts where the right kernel is another
    against: str | None = None  # the peer's case, where it is another
    unit: float = 1.0  # of the limit, where there is no peer: 1e-3 for milliseconds


def for_step(ours, peer, *limits):
    """One target for each size."""
    return [Target(f"step {s}", ours, peer, limit) for s, limit in zip("SML", limits, strict=False)]


def for_large(ours, peer, limit, kernel="right"):
    """A target at L, where the BLAS kernel counts."""
    return Target("step L", ours, peer, limit, kernel=kernel)


TARGETS = [
    *for_step(EAGER, "torch_eager", 0.50, 0.50),
    for_large(EAGER, "torch_eager", 0.85, "default"),
    for_large(EAGER, "torch_eager", 0.55),
    *for_step(EAGER, "numpy_by_hand", 1.5, 1.3),
    for_large(EAGER, "numpy_by_hand", 1.03, "default"),
    for_large(EAGER, "numpy_by_hand", 1.03),
    for_large(EAGER, "jax_jit", 1.0),
    *for_step(COMPILED, "jax_jit", 0.85, 0.80),
    for_large(COMPILED, "jax_jit", 0.95),
    *for_step(COMPILED, "numpy_by_hand", 0.85, 0.9),
    for_large(COMPILED, "numpy_by_hand", 1.0, "default"),
    for_large(COMPILED, "numpy_by_hand", 1.0),
    Target("digits", EAGER, "sklearn_mlp", 0.45),
    Target("digits", EAGER, "torch_eager", 0.45),
    Target("moons", "tinytensor_value", "micrograd_scalar", 0.20),
    Target("compile M", COMPILED, None, 50, unit=1e-3),
    Target("import", "tinytensor", None, 30, unit=1e-3),
    Target("memory L", EAGER, "torch_eager", 1.0),
    Target("depth 1000000", EAGER, EAGER, 2.0, against="depth 1000"),
    *(
        Target(f"together {size}, threads {threads}", EAGER, None, limit)
        for threads in ("default", "1")
        for size, limit in zip("SML", (1.3, 1.3, 2.2), strict=True)
    ),
]


@dataclass
class Verdict:
    """A target beside what was measured: the median of the rounds' ratios, and their quartiles."""

    target: Target
    ours: str
    peer: str | None
    ratio: float | None
    low: float | None = None
    high: float | None = None

    @property
    def word(self):
        """Pass, miss, or that nothing was measured."""
        if self.ratio is None:
            return "not measured"
        return "pass" if self.ratio <= self.target.limit else "miss"


def quartiles(values):
    """The lower quartile, the median and the upper quartile."""
    if len(values) == 1:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def paired(ours, peer):
    """The ratios, round by round; where the rounds differ in number, of each of ours to the peer's median."""
    if len(ours) == len(peer):
        return [a / b for a, b in zip(ours, peer, strict=True)]
    middle = statistics.median(peer)
    return [a / middle for a in ours]


def default_is_right(record):
    """Whether NumPy's BLAS takes the best kernel for this processor by itself."""
    machine = record["machine"]
    return not machine["cpu"]["avx512"] or machine["blas"]["kernel"] in RIGHT


def with_kernel(record, case, name):
    """The contestant with the right BLAS kernel, where it was measured; itself where the default is right."""
    row = record["cases"].get(case, {})
    other = next((key for key in row if key.startswith(f"{name}/")), None)
    if other:
        return other
    own = name in ("torch_eager", "jax_jit")  # they bring their own kernels
    return name if own or default_is_right(record) else None


def judge(record, target):
    """Compare one target with a run's record."""
    ours, peer = target.ours, target.peer
    if target.kernel == "right":
        ours = with_kernel(record, target.case, ours)
        peer = with_kernel(record, target.case, peer)
    mine = record["cases"].get(target.case, {}).get(ours)
    theirs = record["cases"].get(target.against or target.case, {}).get(peer)
    if mine is None or (target.peer is not None and theirs is None):
        return Verdict(target, ours or target.ours, peer or target.peer, None)
    if target.peer is None:
        ratios = [value / target.unit for value in mine["median"]]
    else:
        ratios = paired(mine["median"], theirs["median"])
    low, middle, high = quartiles(ratios)
    return Verdict(target, ours, peer, middle, low, high)


def judge_all(record):
    """The verdict on every target that counts on this machine."""
    same = default_is_right(record)
    return [judge(record, target) for target in TARGETS if not (same and target.kernel == "default")]


def words(verdict):
    """The target in words: who over whom, where."""
    target = verdict.target
    where = f", {target.case[5:]}" if target.case.startswith("step ") else ""
    if target.kernel:
        where += f", {target.kernel} kernel"
    if target.against:
        return f"{title(verdict.ours)}: time per operation, {target.case} / {target.against}"
    if target.peer is None:
        unit = " (ms)" if target.unit == 1e-3 else " (times alone)"
        return f"{title(verdict.ours)}: {target.case}{unit}"
    what = "" if where else f"{target.case}: "
    return f"{what}{title(verdict.ours)} / {title(verdict.peer)}{where}"
