"""The page that says what is supported: it is what the rule table says, and nothing asked for is missing."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"

specification = importlib.util.spec_from_file_location("generate_supported", DOCS / "generate_supported.py")
generator = importlib.util.module_from_spec(specification)
specification.loader.exec_module(generator)

SECTIONS = {
    "With a gradient rule": "rule",
    "Compositions": "composition",
    "Plain arrays": "plain array",
    "Refused": "refused",
}


def named():
    """From each name on the page to the sections where it stands."""
    found = {}
    for part in (DOCS / "supported.md").read_text().split("\n## ")[1:]:
        title, text = part.split("\n", 1)
        if title in SECTIONS:
            for names in re.findall(r"`([^`]+)`", text):
                for name in names.split(" = "):
                    found.setdefault(name, set()).add(SECTIONS[title])
    return found


def test_the_page_is_up_to_date():
    """Function by function, since another NumPy has some more or some fewer."""
    page = named()
    stale = {
        "/".join(names): kind
        for function, names in generator.numpy_functions().items()
        if (kind := generator.kind_of(function, names)) not in set().union(*(page.get(name, {kind}) for name in names))
    }
    assert not stale, "run python docs/generate_supported.py"
    for name in ("relu", "softmax", "gelu", "linear"):
        assert page[name] == {"rule"}
    assert generator.conventions() in (DOCS / "supported.md").read_text()


WANTED = """
add subtract multiply divide negative power exp log log1p expm1 sqrt square absolute tanh sin cos maximum minimum clip where
reciprocal sign sum mean max min prod var std reshape ravel transpose swapaxes moveaxis expand_dims squeeze broadcast_to
concatenate stack split flip pad matmul dot tensordot einsum outer trace linalg.norm
floor ceil round rint remainder mod arcsin arccos arctan arcsinh arccosh arctanh arctan2 hypot logaddexp logaddexp2 exp2 log2
log10 cbrt sinc heaviside nan_to_num cumsum cumprod diff sort argsort take take_along_axis compress choose repeat tile roll
rot90 flip fliplr flipud tril triu diag diagonal kron cross inner vdot vecdot median percentile quantile ptp nansum
nanmean nanmax average cov corrcoef convolve block array_split hstack vstack dstack column_stack atleast_1d atleast_2d
atleast_3d broadcast_arrays unstack meshgrid linalg.inv linalg.solve linalg.det linalg.slogdet linalg.cholesky linalg.qr
linalg.eigh linalg.svd linalg.svdvals linalg.pinv linalg.matrix_power linalg.multi_dot linalg.lstsq permute_dims concat pow
acos matrix_transpose linalg.vector_norm gelu silu softplus leaky_relu elu argmax
"""


@pytest.mark.parametrize("name", WANTED.split())
def test_every_function_of_the_list_is_there(name):
    page = named()
    assert page.get(name, page.get(f"linalg.{name}", {"refused"})) != {"refused"}
