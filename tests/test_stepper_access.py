"""The stepper for everyone, in a real Chromium: large graphs, keyboard, zoom, contrast, notebooks."""

# ruff: noqa: F401, F811  # the fixtures: pytest finds them by their names

import re

import numpy as np
import pytest

import tinytensor as tt
from tests.stepper_browser import READ, browser, only, opened, parsed, shown
from tests.stepper_graphs import NETWORK, classifier, column_and_row, neuron, scalar_network, used_twice
from tinytensor.viz.stepper import step_through

# ---------------------------------------------------------------------------------------- large graphs


def test_folding_hides_what_leads_to_a_node_alone(opened):
    page = opened(neuron)
    everything = page.locator("#graph .node").count()
    assert everything == 10
    page.locator("#graph .node", has_text="n").filter(has=page.locator("text.name", has_text=re.compile("^n$"))).focus()
    page.keyboard.press("f")
    assert page.locator("#graph .node").count() == 2  # n with all that it was computed from, and o
    assert page.locator("#graph .fold-text", has_text="+8").count() == 1
    page.keyboard.press("f")
    assert page.locator("#graph .node").count() == everything
    page.click("#fold-more")
    assert page.locator("#graph .node").count() < everything
    page.click("#fold-less")
    assert page.locator("#graph .node").count() == everything


def test_the_graph_answers_the_mouse(opened):
    page = opened(neuron)
    node = page.locator("#graph .node", has=page.locator("text.name", has_text=re.compile("^x1w1$|^multiply 1$")))
    node.locator(".box").click()
    assert "multiply(x1, w1)" in page.inner_text("#panel")
    page.locator("#graph .node", has=page.locator("text.name", has_text=re.compile("^b$"))).locator(".box").click()
    assert page.inner_text("#node-name") == "b"
    assert "A leaf" in page.inner_text("#panel")
    node.hover()
    node.locator(".fold").click()
    assert page.locator("#graph .node").count() == 8
    before = page.locator("#graph svg > g").get_attribute("transform")
    page.click("#zoom-in")
    assert page.locator("#graph svg > g").get_attribute("transform") != before


def test_search_finds_and_unfolds(opened):
    page = opened(scalar_network, names=NETWORK)
    page.keyboard.press("/")
    page.keyboard.type("multiply 100")
    assert page.locator("#results [role=option] b").all_inner_texts() == ["multiply 100"]
    page.keyboard.press("Enter")
    assert page.inner_text("#node-name") == "multiply 100"
    assert page.locator("#graph .node.current .name").text_content() == "multiply 100"
    page.keyboard.press("/")
    page.keyboard.type("layers.1.neurons.2.b")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert "A leaf" in page.inner_text("#panel")
    page.keyboard.press("/")
    page.keyboard.type("no such thing")
    assert "no node has that name" in page.inner_text("#results")


def test_large_arrays_are_summarized(opened):
    rng = np.random.default_rng(0)
    x = tt.Tensor(rng.normal(size=(40, 60)), requires_grad=True, label="x")
    page = opened(lambda: np.exp(x).sum())
    page.keyboard.press("ArrowRight")
    array = only(page.evaluate(READ)["arrays"], "out")
    assert array["shape"] == "(40, 60)"
    assert len(array["cells"]) == 36
    for k, text in array["cells"]:
        assert parsed(text) == shown(np.exp(x.data).ravel()[k], 4)
    assert re.search(r"corners of \(40, 60\): from \S+ to \S+, mean \S+, norm \S+", page.inner_text("#panel"))


# ---------------------------------------------------------------------------------------- for everyone


def test_everything_can_be_done_with_the_keyboard(opened):
    page = opened(column_and_row)
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(
            """() => {
              const at = document.activeElement;
              const style = getComputedStyle(at.closest(".node") ? at.querySelector(".box") : at);
              const visible = at.closest(".node") ? parseFloat(style.strokeWidth) >= 4 : style.outlineStyle !== "none";
              return [at.id || at.className.baseVal || at.getAttribute("role") || at.tagName, visible];
            }"""
        ))  # fmt: skip
    names = [name for name, _ in reached]
    wanted = {"search", "theme", "help", "first", "previous", "play", "next", "last", "turn", "slider", "zoom-in", "zoom-out",
              "fit", "fold-more", "leaves", "panel", "gridcell"}  # fmt: skip
    assert wanted <= {*names, "panel"}
    assert any(name.startswith("node") for name in names)
    invisible = [name for name, visible in reached if not visible and name != "BODY"]
    assert invisible == []


def test_arrows_move_within_arrays_and_the_graph(opened):
    page = opened(column_and_row)
    page.keyboard.press("ArrowRight")
    page.locator("[data-role='out'] td[data-k='0']").focus()
    for key, k in (("ArrowRight", "1"), ("ArrowDown", "5"), ("ArrowLeft", "4"), ("ArrowUp", "0"), ("ArrowUp", "0")):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.dataset.k") == k
    assert page.inner_text("#position") == "1 / 6"  # the step stays
    page.locator("#graph .node[tabindex='0']").focus()
    before = page.evaluate("document.activeElement.dataset.n")
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.dataset.n") != before
    name = page.evaluate("document.activeElement.querySelector('.name').textContent")
    page.keyboard.press("Enter")
    assert page.inner_text("#node-name") == name


def test_play_and_pause(opened):
    page = opened(neuron)
    page.click("#play")
    page.locator("#position", has_text=re.compile("^1 /")).wait_for()
    assert page.get_attribute("#play", "aria-label") == "Pause"
    page.click("#play")
    assert page.get_attribute("#play", "aria-pressed") == "false"


@pytest.mark.parametrize("make", [classifier, neuron], ids=["classifier", "neuron"])
def test_at_200_percent_nothing_runs_over(opened, make):
    page = opened(make, width=700, height=475, device_scale_factor=2)
    steps = int(page.get_attribute("#slider", "max"))
    for _ in range(steps + 1):
        page.keyboard.press("ArrowRight")
        overflow = page.evaluate(
            """() => [document.documentElement, document.getElementById("panel"), ...document.querySelectorAll("#panel .card")]
              .filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => box.id || box.className || box.tagName)"""
        )
        assert overflow == []


CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgb = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] / 255 + below[i] * (1 - top[3] / 255));
  const behind = (at) => {
    const layers = [];
    for (let box = at; box; box = box.parentElement) layers.push(rgb(getComputedStyle(box).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const luminance = (color) => {
    const [r, g, b] = color.map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  for (const at of document.querySelectorAll("body *")) {
    const own = [...at.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || at.closest(".hidden, script, style, dialog:not([open]), [disabled], [aria-disabled='true'], .skip")) continue;
    if (!at.getClientRects().length) continue;
    const style = getComputedStyle(at);
    const inGraph = at.closest("svg.graph");
    let below = behind(inGraph ? document.getElementById("graph") : at);
    if (inGraph && at.closest(".node")) {
      const chip = at.classList.contains("chip-text") ? ".chip" : at.classList.contains("number") && at.closest(".finished") ? ".grad-box" : ".box";
      below = over(rgb(getComputedStyle(at.closest(".node").querySelector(chip)).fill), below);
    }
    const [a, b] = [luminance(over(rgb(inGraph ? style.fill : style.color), below)), luminance(below)];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), at.className.baseVal ?? at.className ?? "", at.textContent.trim().slice(0, 30)]);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("switched", [False, True], ids=["system", "switched"])
def test_contrast(opened, scheme, switched):
    page = opened(classifier, color_scheme=scheme)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    if switched:
        page.keyboard.press("t")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") != background
    is_dark = (scheme == "dark") != switched
    assert (
        sum(map(int, re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))[:3])) < 200
    ) == is_dark
    for _ in range(8):
        page.keyboard.press("ArrowRight")
        measured = page.evaluate(CONTRAST)
        assert len(measured) > 60
        assert [entry for entry in measured if entry[0] < 4.5] == []


def test_sign_and_state_are_not_told_by_colour_alone(opened):
    page = opened(used_twice)
    page.keyboard.press("ArrowRight")
    for cell in page.locator("td.negative").all():
        assert cell.inner_text().startswith("\u2212")
    label = page.locator(".node.current").get_attribute("aria-label")
    assert label.endswith(", current step")
    widths = page.evaluate(
        """() => [".edge.lit", ".edge:not(.lit)"].map((s) => parseFloat(getComputedStyle(document.querySelector(s)).strokeWidth))"""
    )
    assert widths[0] > 2 * widths[1]


def test_in_a_notebooks_frame(browser, tmp_path):
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{step_through(neuron)._repr_html_()}", encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("#next").click()
    assert frame.locator("#position").inner_text() == "1 / 12"
    page.close()
