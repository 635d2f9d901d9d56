"""The cases that all measure a function in rounds; each gives a list of `Case`. Read next: ``special.py``."""

from .problem import SIZES
from .rounds import Case

OURS = ["tinytensor_eager", "tinytensor_compiled"]
STEP = [
    "numpy_by_hand", *OURS, "numpy_out", "matmuls", "torch_eager", "torch_compile", "jax_jit", "mygrad_eager",
    "hips_autograd",
]  # fmt: skip
SCALING = ["numpy_by_hand", *OURS, "torch_eager", "jax_jit"]
KERNEL = ["numpy_by_hand", *OURS, "numpy_out", "matmuls"]  # those on NumPy's OpenBLAS
OPERATIONS = ["add", "multiply", "exp", "sum", "matmul", "index", "matmul, sum, backward"]
DEPTHS = [10, 100, 1000, 10_000, 100_000, 1_000_000]
CHAINS = ["tinytensor_eager", "tinytensor_value", "torch_eager", "mygrad_eager", "hips_autograd", "micrograd_scalar"]
WIDTHS, BATCHES = [16, 64, 256, 1024], [1, 16, 256, 4096]
RIGHT = "SkylakeX"  # the BLAS kernel for processors with AVX-512


def step(options):
    """The training step at S, M and L; at L also with the right BLAS kernel, where it isn't the default."""
    cases = []
    for size in options.sizes:
        sizes, batch = SIZES[size]
        names = STEP + (["micrograd_scalar"] if size == "S" else [])
        if size == "L" and options.other_kernel:
            names = names + [f"{name}/{RIGHT}" for name in KERNEL]
        args = {"sizes": sizes, "batch": batch}
        # At L times differ by 3% from process to process, with the memory that it happens to get.
        starts = min(options.starts, options.rounds) if size == "L" else 1
        rounds = {"rounds": options.rounds, "seconds": options.seconds, "starts": starts}
        cases.append(Case(f"step {size}", "step", args, names, **rounds, check=5, tolerance=1e-4))
    return cases


def digits(options):
    """Training the digits classifier: 20 epochs of Adam."""
    names = [*OURS, "numpy_by_hand", "torch_eager", "sklearn_mlp"]
    args = {"path": str(options.folder / "digits.npz")}
    return [Case("digits", "digits", args, names, options.few, 0.0, least=0.93)]


def moons(options):
    """The scalar Value and micrograd: a step of micrograd's demo, in float64."""
    args = {"path": str(options.folder / "moons.npz")}
    names = ["micrograd_scalar", "tinytensor_value"]
    return [Case("moons", "moons", args, names, options.few, 0.0, check=2, tolerance=1e-9)]


def operations(options):
    """One operation on a 4 by 4 array, recorded for backward."""
    names = ["tinytensor_eager", "torch_eager", "mygrad_eager"]
    return [
        Case(
            f"operation {op}", "operations", {"name": op},
            names if "backward" in op else ["numpy_by_hand", *names], options.few, options.seconds / 4,
        )
        for op in OPERATIONS
    ]  # fmt: skip


def depth(options):
    """Forward and backward through a chain: the time for each of its operations."""
    cases = []
    for n in DEPTHS:
        rounds = options.few if n <= 10_000 else n <= 100_000
        after = cases[-1].key if cases else ""
        cases.append(
            Case(f"depth {n}", "chain", {"length": n}, CHAINS, rounds, options.seconds / 4, per=n, after=after, most=30)
        )
    return cases


def scaling(options):
    """The training step of a network 64-width-width-10, and of M with other batches."""
    problems = [(f"width {n}", [64, n, n, 10], 64) for n in WIDTHS] + [
        (f"batch {n}", SIZES["M"][0], n) for n in BATCHES
    ]
    return [
        Case(
            key,
            "step",
            {"sizes": sizes, "batch": batch},
            SCALING,
            options.few,
            options.seconds / 2,
            check=2,
            tolerance=1e-4,
        )
        for key, sizes, batch in problems
    ]


ALTERNATING = {f.__name__: f for f in (step, digits, moons, operations, depth, scaling)}
