"""Write ``supported.md``: what tinytensor does with each of NumPy's functions, from the rule table itself.

python docs/generate_supported.py           # writes docs/supported.md
python docs/generate_supported.py --check   # exits with 1 if it is not up to date
"""

import sys
from pathlib import Path

import numpy as np

import tinytensor  # noqa: F401  # fills the rule table
from tinytensor.rules.table import COMPOSED, PLAIN, RULES, name_of

PAGE = Path(__file__).with_name("supported.md")

# Why some of NumPy's functions raise, and what to use instead.
REFUSED = {
    "writes into its argument; use `x.at[…]`": ["copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"],
    "its result's shape depends on the values, or is not an array of its operand": [
        "apply_along_axis", "apply_over_axes", "piecewise", "vectorize", "resize",
    ],
    "complex numbers have no gradient here": [
        "angle", "real_if_close", "roots", "sort_complex", "unwrap", "linalg.eig", "linalg.eigvals", "poly",
    ],
    "fits or evaluates polynomials: write them with `+`, `*` and `**`": [
        "polyfit", "polyval", "polyadd", "polysub", "polymul", "polydiv", "polyder", "polyint",
    ],
    "integers or bits, dates, text or files": [
        "bitwise_and", "bitwise_count", "bitwise_or", "bitwise_xor", "busday_count", "busday_offset", "gcd", "invert",
        "datetime_as_string", "is_busday", "isnat", "lcm", "left_shift", "packbits", "right_shift", "save", "savetxt",
        "savez", "savez_compressed", "unpackbits", "ravel_multi_index", "einsum_path", "can_cast", "min_scalar_type",
        "common_type", "linspace", "logspace", "geomspace",
    ],
    "a split of bits": ["frexp", "modf", "nextafter", "spacing"],
    "sets and histograms: integers, or arrays of no fixed shape": [
        "histogram", "histogram2d", "histogram_bin_edges", "histogramdd", "intersect1d", "setdiff1d", "setxor1d",
        "union1d",
        "unique_all", "unique_counts", "unique_inverse", "trim_zeros", "lexsort", "in1d",
    ],
}  # fmt: skip
REASONS = {name: reason for reason, names in REFUSED.items() for name in names}


def numpy_functions():
    """NumPy's functions of arrays, by name; names of one function are one entry."""
    found = {}
    for prefix, module in (("", np), ("linalg.", np.linalg)):
        for name in sorted(dir(module)):
            function = getattr(module, name)
            takes_arrays = isinstance(function, np.ufunc) or hasattr(function, "_implementation")
            if takes_arrays and not name.startswith("_"):
                found.setdefault(function, []).append(prefix + name)
    return found


def kind_of(function, names):
    """What happens when the function meets a Tensor."""
    if any(name in REASONS for name in names):
        return "refused"
    if function in RULES:
        return "rule"
    if function in COMPOSED:
        return "composition"
    return "plain array" if function in PLAIN else "refused"


def listed(rows):
    """Rows of names in one paragraph, so that the page stays short."""
    return ", ".join(f"`{' = '.join(names)}`" for names in rows)


def conventions():
    """The table of the page on conventions."""
    lines = PAGE.with_name("conventions.md").read_text().splitlines()
    return "\n".join(line for line in lines if line.startswith("|"))


def page():
    """The text of the page."""
    groups = {"rule": [], "composition": [], "plain array": [], "refused": []}
    for function, names in numpy_functions().items():
        groups[kind_of(function, names)].append(names)
    own = sorted(name_of(f) for f in RULES if not isinstance(f, np.ufunc) and f.__module__.startswith("tinytensor"))
    refused = {}
    for names in groups["refused"]:
        reason = next((REASONS[name] for name in names if name in REASONS), "no rule is written; the call says so")
        refused.setdefault(reason, []).append(names)
    reasons = [f"- **{reason[0].upper()}{reason[1:]}**: {listed(rows)}" for reason, rows in sorted(refused.items())]
    return TEMPLATE.format(
        total=sum(map(len, groups.values())),
        **{f"n_{kind.split()[0]}": len(rows) for kind, rows in groups.items()},
        **{kind.split()[0]: listed(rows) for kind, rows in groups.items() if kind != "refused"},
        own=", ".join(f"`{name}`" for name in own),
        conventions=conventions(),
        refused="\n".join(reasons),
    )


TEMPLATE = """\
# What is supported

<!-- Generated from the rule table by docs/generate_supported.py; a test fails if it is not up to date. -->

Of NumPy's {total} functions of arrays (with `numpy.linalg`), {n_rule} have a gradient rule, {n_composition} are
compositions of those, and {n_plain} return plain arrays, since no gradient flows through them; {n_refused} are refused.
Names of one function are joined by =.

## With a gradient rule

{rule}

tinytensor's own, which NumPy lacks: {own}

## Compositions

They differentiate to any order through what they are composed of.

{composition}

## Plain arrays

Comparisons, indices and predicates of Tensors are NumPy arrays.

{plain}

## Conventions at ties and kinks

{conventions}

## Refused

These raise when they are called with a Tensor. To use one without a gradient, call it on `tensor.data`.

{refused}
"""


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.exists() and PAGE.read_text() == page() else "docs/supported.md is not up to date")
    PAGE.write_text(page())
