"""A real headless Chromium with a page of the stepper in it, and how to read what the page shows."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from tinytensor.viz.stepper import step_through

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

# What stands in the panel: every array with its role, its operand's card, its title, its shape and its cells' text.
READ = """() => ({
  time: document.getElementById("position").textContent,
  name: document.getElementById("node-name")?.textContent,
  phase: document.querySelector("#panel .phase").textContent,
  text: document.getElementById("panel").innerText,
  parts: [...document.querySelectorAll("#panel .card.part")].map((card) => card.querySelector("h3").innerText),
  arrays: [...document.querySelectorAll("#panel figure")].map((figure) => ({
    role: figure.dataset.role,
    card: figure.dataset.card,
    title: figure.querySelector(".array-title").innerText,
    shape: figure.querySelector(".shape")?.innerText ?? "()",
    columns: Math.max(...[...figure.querySelectorAll("tbody tr")].map((row) => row.querySelectorAll("td[data-k]").length)),
    cells: [...figure.querySelectorAll("td[data-k]")].map((cell) => [Number(cell.dataset.k), cell.innerText]),
  })),
})"""

# And in the graph: every node's classes and numbers, and the edges in flight.
READ_GRAPH = """() => ({
  nodes: Object.fromEntries([...document.querySelectorAll("#graph .node")].map((node) => [
    node.querySelector(".name").textContent,
    {classes: [...node.classList], numbers: [...node.querySelectorAll(".number")].map((text) => text.textContent)},
  ])),
  edges: [...document.querySelectorAll("#graph .edge-label.lit")].map((label) => label.textContent),
})"""


def chromium() -> str:
    """The browser; a missing one fails the tests in CI, and skips them at a desk."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    message = "no Chromium found (chromium, chromium-browser, google-chrome): apt-get install chromium"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def parsed(text: str) -> float:
    """The number that a cell shows."""
    return float(text.replace("\u2212", "-"))


def shown(value: float, digits: int) -> float:
    """A number as far as a cell shows it; -0 is shown as 0."""
    return float(f"{float(value):.{digits}g}") + 0.0


def assert_shows(array: dict, expected, what: str = "") -> None:
    """Compare every cell on the page with the array in Python."""
    expected = np.asarray(expected)
    assert array["shape"] == str(expected.shape), what
    digits = 3 if array["columns"] > 6 else 4
    flat = expected.ravel()
    assert [k for k, _ in array["cells"]] == list(range(flat.size)), what
    for k, text in array["cells"]:
        np.testing.assert_equal(parsed(text), shown(flat[k], digits), err_msg=f"{what}, element {k}")


def only(arrays: list[dict], role: str, card=None) -> dict:
    """The one array of a role."""
    (found,) = [a for a in arrays if a["role"] == role and (card is None or a["card"] == str(card))]
    return found


def some(arrays: list[dict], role: str, card=None) -> list[dict]:
    """All arrays of a role."""
    return [a for a in arrays if a["role"] == role and (card is None or a["card"] == str(card))]


# ---------------------------------------------------------------------------------------- fixtures


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Open a page; afterwards nothing may have been asked of the network, or said on the console."""
    contexts, complaints = [], []

    def open_page(make, *, names=None, width=1400, height=950, **options):
        path = tmp_path / f"page{len(contexts)}.html"
        step_through(make, path, names=names)
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        address = path.as_uri()
        page.on("request", lambda request: complaints.append(request.url) if request.url != address else None)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.wait_for_selector("#graph .node")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
