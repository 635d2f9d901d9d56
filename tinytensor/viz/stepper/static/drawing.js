"use strict";
// The pieces that the graph is drawn from: boxes' sizes, text, lines, and arrays as small heatmaps.

const SVG = "http://www.w3.org/2000/svg";
const BOX = { width: 148, scalar: 62, array: 84 };
const THUMB = { width: 62, height: 30 };
const TOP = 52; // the buttons stand there
const READABLE = 0.62; // a scale at which the text of a node can be read

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function heightOf(n) {
  return record.arrays[record.nodes[n].d].s.length ? BOX.array : BOX.scalar;
}

/** A node: what made it, its name, its data and its gradient; and the button that folds what leads to it. */
function drawBox(n, x, y, onFold) {
  const node = record.nodes[n];
  const isScalar = !record.arrays[node.d].s.length;
  const height = heightOf(n);
  const group = svg("g", {
    class: `node ${node.k}`,
    "data-n": n,
    tabindex: "-1",
    role: "button",
    transform: `translate(${x - BOX.width / 2} ${y - height / 2})`,
  });
  group.append(svg("rect", { class: "halo", x: -5, y: -5, width: BOX.width + 10, height: height + 10, rx: 13 }));
  group.append(svg("rect", { class: "box", width: BOX.width, height, rx: 8 }));
  const symbol = node.k === "op" ? node.o : { leaf: "leaf", data: "data", array: "data" }[node.k];
  const chipWidth = Math.max(22, 7.2 * symbol.length + 10);
  group.append(svg("rect", { class: "chip", x: 6, y: 6, width: chipWidth, height: 17, rx: 8.5 }));
  group.append(text(symbol, 6 + chipWidth / 2, 18.5, "chip-text"));
  const name = text(shortened(node, BOX.width - chipWidth - 18), chipWidth + 12, 18.5, "name");
  group.append(name, svg("title", {}, node.n));
  const drawn = { group, n, x, y, height };
  if (isScalar) {
    group.append(text("data", 9, 37, "what"), text("grad", 9, 53, "what"));
    drawn.data = text("", BOX.width - 9, 37, "number");
    drawn.grad = text("", BOX.width - 9, 53, "number");
    drawn.gradBox = svg("rect", { class: "grad-box", x: 4, y: 41.5, width: BOX.width - 8, height: 16.5, rx: 4 });
    group.append(drawn.gradBox, drawn.data, drawn.grad, group.querySelectorAll(".what")[1]);
  } else {
    drawn.data = svg("g", { transform: "translate(8 31)" });
    drawn.grad = svg("g", { transform: `translate(${BOX.width - THUMB.width - 8} 31)` });
    drawn.gradBox = svg("rect", {
      class: "grad-box",
      x: BOX.width - THUMB.width - 10,
      y: 29,
      width: THUMB.width + 4,
      height: THUMB.height + 4,
      rx: 3,
    });
    group.append(drawn.gradBox, drawn.data, drawn.grad);
    group.append(text("data", 8, 78, "what"), text("grad", BOX.width - 8, 78, "what end"));
    group.append(text(formatShape(record.arrays[node.d].s), BOX.width / 2, 78, "shape-text"));
  }
  if (canFold(n) && n !== record.nodes.length - 1) {
    const isFolded = folded.has(n);
    const toggle = svg("g", { class: "fold", transform: `translate(${BOX.width / 2} ${height})` });
    const label = isFolded ? `+${hiddenNodes[n]}` : MINUS;
    const width = isFolded ? 12 + 6.5 * label.length : 18;
    toggle.append(svg("rect", { x: -width / 2, y: -9, width, height: 18, rx: 9 }), text(label, 0, 4, "fold-text"));
    toggle.append(
      svg(
        "title",
        {},
        isFolded
          ? `Unfold the ${hiddenNodes[n]} nodes in here`
          : `Fold the ${hiddenNodes[n]} nodes that lead only here`,
      ),
    );
    toggle.addEventListener("click", (event) => {
      event.stopPropagation();
      onFold(n);
    });
    group.append(toggle);
    if (isFolded) group.classList.add("folded");
  }
  return drawn;
}

function text(content, x, y, name) {
  const made = svg("text", { x, y, class: name, "aria-hidden": "true" }); // the node's label says it all
  made.textContent = content;
  return made;
}

const ruler = document.createElement("canvas").getContext("2d");
ruler.font = "650 12px system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif";

/** The end of a name, as much of it as fits, from a dot on if it has one: what comes last tells most. */
function shortened({ n: name, f: operation }, room) {
  const fits = (words) => ruler.measureText(words).width <= room;
  if (fits(name)) return name;
  if (operation && name.startsWith(operation + " ")) return name.slice(operation.length + 1); // the chip has the rest
  let kept = name.slice(1);
  while (kept.length > 1 && !fits("\u2026" + kept)) kept = kept.slice(1);
  const dot = kept.indexOf(".");
  return "\u2026" + (dot >= 0 && dot < kept.length - 1 ? kept.slice(dot + 1) : kept.trim());
}

/** A smooth line through the points that the layout gave. */
function curve(points, isDown) {
  let path = `M${points[0].x} ${points[0].y}`;
  for (let k = 1; k < points.length; k++) {
    const [a, b] = [points[k - 1], points[k]];
    const [x, y] = [(a.x + b.x) / 2, (a.y + b.y) / 2];
    path += isDown ? ` C${a.x} ${y} ${b.x} ${y} ${b.x} ${b.y}` : ` C${x} ${a.y} ${x} ${b.y} ${b.x} ${b.y}`;
  }
  return path;
}

/** Put an array into a node: a number as text, a larger one as a small heatmap. */
function fill(target, place, isKnown, absent = "") {
  const key = isKnown ? String(place) : "";
  if (target.dataset.shown === key) return;
  target.dataset.shown = key;
  if (target.tagName === "text") {
    target.textContent = isKnown ? formatNumber(record.arrays[place].v[0]) : absent;
    return;
  }
  target.replaceChildren();
  if (isKnown)
    target.append(
      ...thumbnail(record.arrays[place]),
      svg("rect", { class: "frame", width: THUMB.width, height: THUMB.height, rx: 2 }),
    );
  else target.append(svg("rect", { class: "empty", width: THUMB.width, height: THUMB.height, rx: 2 }));
}

/** A few rectangles: one for each element, or where there are many, for every second, third, … one. */
function thumbnail(array) {
  const lookup = valuesOf(array);
  const kept = array.i || array.s.map((size) => [...Array(size).keys()]);
  const columns = every(kept[kept.length - 1], 12);
  const rows = array.s.length > 1 ? every(kept[kept.length - 2], 6) : [0];
  const lead = kept.slice(0, -2).map((indices) => indices[0]);
  if (!columns.length || !rows.length) return [];
  const width = THUMB.width / columns.length;
  const height = Math.min(THUMB.height / rows.length, array.s.length > 1 ? THUMB.height : 14);
  const top = (THUMB.height - height * rows.length) / 2;
  return rows.flatMap((row, r) =>
    columns.map((column, c) => {
      const index = [...lead, row, column].slice(-array.s.length);
      const { side, strength } = shade(lookup.get(ravel(index, array.s)), array.scale);
      return svg("rect", {
        class: `heat-cell ${side}`,
        style: `--strength: ${strength}%`,
        x: c * width,
        y: top + r * height,
        width: width + 0.3,
        height: height + 0.3,
      });
    }),
  );
}

function every(indices, most) {
  const step = Math.ceil(indices.length / most);
  return indices.filter((_, k) => k % step === 0);
}
