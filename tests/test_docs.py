"""The site's sources: every public name is in the reference, and what the pages say about files is so.

That the pages build, with every cell run, is ``make docs``.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PACKAGE = ROOT / "tinytensor"

MODULES = ["", ".nn", ".optim", ".functional", ".testing", ".viz", ".io", ".onnx", ".sklearn", ".mpi"]
# Names that are modules, with a page or a section of their own, and one that is a plain table.
NOT_ON_A_PAGE = {"functional", "nn", "optim", "data", "blas", "viz", "io", "onnx", "sklearn", "statistics",
                 "quantiles", "sequences"}  # fmt: skip
TABLES = {"LAYOUTS"}


def listed():
    """The full names in the reference's tables."""
    found = set()
    for page in (DOCS / "reference").glob("*.rst"):
        module = ""
        for line in page.read_text().splitlines():
            if line.startswith(".. currentmodule:: "):
                module = line.split()[-1]
            elif module and re.fullmatch(r"   \w+", line):
                found.add(f"{module}.{line.strip()}")
    return found


@pytest.mark.parametrize("module", [f"tinytensor{name}" for name in MODULES])
def test_every_public_name_is_in_the_reference(module):
    names = set(importlib.import_module(module).__all__) - NOT_ON_A_PAGE - TABLES
    elsewhere = {
        "tinytensor": {"tinytensor.io", "tinytensor.lines"},
        "tinytensor.nn": {"tinytensor.optim"},
    }  # one name, two ways to it
    places = {module, *elsewhere.get(module, ())}
    missing = {name for name in names if not listed() & {f"{place}.{name}" for place in places}}
    assert not missing, f"docs/reference lacks {sorted(missing)} of {module}"


def test_every_listed_name_exists():
    for name in sorted(listed()):
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), f"docs/reference names {name}, which is not there"


def files_named(text):
    """What looks like a file or a folder of the package."""
    return set(re.findall(r"(?<![\w/.*])((?:\w+/)*\w+(?:\.py|/))(?![\w*])", text))


def test_the_map_names_files_that_exist_and_all_folders():
    page = (DOCS / "architecture.md").read_text()
    drawn = page[page.index("## The map") : page.index("## The laws")]
    named = files_named(drawn)
    assert len(named) > 20
    inside = (PACKAGE, PACKAGE / "compiler")
    missing = {name for name in named if not any((place / name).exists() for place in inside)}
    assert not missing
    folders = {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    assert folders <= named | {"rules/"}, f"the map lacks {sorted(folders - named)}"


def test_the_rule_that_the_pages_show_is_in_the_table():
    shown = re.search(r"```text\n(rule\(np\.multiply.*?)```", (DOCS / "architecture.md").read_text(), re.DOTALL)[1]
    source = (PACKAGE / "rules" / "elementwise.py").read_text()
    assert " ".join(shown.split()) in " ".join(source.split())


def pages():
    """The pages that people write, by their path in docs."""
    return sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if "generated" not in path.parts)


@pytest.mark.parametrize("page", pages())
def test_no_output_is_typed_by_hand(page):
    """A prompt in a page would come with its typed output; cells have theirs from the build."""
    text = (DOCS / page).read_text()
    assert ">>> " not in text
    if "{code-cell}" in text:
        assert text.startswith("---\nfile_format: mystnb\nkernelspec:\n  name: python3\n")


@pytest.mark.parametrize("page", pages())
def test_links_between_pages_lead_to_files(page):
    """The build checks them too; the README's and the changelog's are checked here only."""
    check_links(DOCS / page)


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md"])
def test_links_from_outside_lead_to_files(page):
    check_links(ROOT / page)


def check_links(path):
    """Relative links of a page, outside of its code."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"(?<!\])\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"
