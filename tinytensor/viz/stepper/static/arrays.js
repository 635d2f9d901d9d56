"use strict";
// Numbers, and arrays as heatmaps. An array of the record: s shape, v values, and of a large one i (which indices of
// each axis the values have) and m (smallest, mean, largest, norm); t is the dtype where it is not float64.

const MINUS = "\u2212";

function toNumber(value) {
  return typeof value === "string" ? { nan: NaN, inf: Infinity, "-inf": -Infinity }[value] : value;
}

/** A number with so many significant digits, as short as it gets. */
function formatNumber(value, digits = 4) {
  const x = toNumber(value);
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : MINUS + "inf";
  if (x === 0) return "0";
  const size = Math.abs(x);
  let text;
  if (size >= 1e-3 && size < 1e5) {
    text = String(Number(size.toPrecision(digits)));
  } else {
    const [mantissa, exponent] = size.toExponential(digits - 1).split("e");
    text = `${Number(mantissa)}e${exponent.replace("+", "").replace("-", MINUS)}`;
  }
  return (x < 0 ? MINUS : "") + text;
}

function formatShape(shape) {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

function sizeOf(shape) {
  return shape.reduce((a, b) => a * b, 1);
}

/** The place of each axis for a flat index, and back. */
function unravel(flat, shape) {
  const index = new Array(shape.length);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index[axis] = flat % shape[axis];
    flat = Math.floor(flat / shape[axis]);
  }
  return index;
}

function ravel(index, shape) {
  return index.reduce((flat, k, axis) => flat * shape[axis] + k, 0);
}

/** The values that the record holds of an array, by flat index. */
function valuesOf(array) {
  if (!array.lookup) {
    const kept = array.i || array.s.map((size) => [...Array(size).keys()]);
    const sizes = kept.map((indices) => indices.length);
    array.lookup = new Map(
      array.v.map((value, k) => [
        ravel(
          unravel(k, sizes).map((place, axis) => kept[axis][place]),
          array.s,
        ),
        value,
      ]),
    );
    array.scale = Math.max(0, ...array.v.map((v) => Math.abs(toNumber(v))).filter(Number.isFinite));
  }
  return array.lookup;
}

/** How strongly a value is coloured, from 0 to 100, and on which side of zero it stands. */
function shade(value, scale) {
  const x = toNumber(value);
  if (!Number.isFinite(x)) return { side: "nan", strength: 0 };
  const strength = scale ? Math.round(100 * Math.min(1, Math.abs(x) / scale)) : 0;
  return { side: x < 0 ? "negative" : x > 0 ? "positive" : "zero", strength };
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/**
 * An array as a heatmap with its values: a table, which is moved through with the arrow keys.
 * `role` says what the array is in this step (out, operand, g, local, raw, part, before, after), `card` which operand's
 * part it belongs to, `summed` the axes that are summed next.
 */
function heatmap(place, { title, role = "", card = "", summed = [], note = "" }) {
  const array = record.arrays[place];
  const shape = array.s;
  valuesOf(array);
  const figure = element("figure", { class: "array", "data-role": role, "data-card": card, "data-array": place });
  const caption = element("figcaption", {}, element("span", { class: "array-title" }, title));
  if (shape.length) caption.append(element("span", { class: "shape" }, formatShape(shape)));
  if (array.t) caption.append(element("span", { class: "dtype" }, array.t));
  figure.append(caption);
  if (shape.length && sizeOf(shape) !== 1) figure.append(axisChips(shape, summed));
  if (sizeOf(shape) === 0) {
    figure.append(element("p", { class: "note" }, "no elements"));
    return figure;
  }
  const lead = shape.slice(0, -2);
  const kept = array.i || shape.map((size) => [...Array(size).keys()]);
  const blocks = lead.length ? product(kept.slice(0, lead.length)) : [[]];
  for (const block of blocks) {
    if (block.length) figure.append(element("div", { class: "block-name" }, `[${block.join(", ")}, :, :]`));
    figure.append(table(array, block, kept, title));
  }
  if (array.m) {
    const [least, mean, most, norm] = array.m.map((x) => formatNumber(x));
    figure.append(
      element(
        "p",
        { class: "note" },
        `corners of ${formatShape(shape)}: from ${least} to ${most}, mean ${mean}, norm ${norm}`,
      ),
    );
  }
  if (note) figure.append(element("p", { class: "note" }, note));
  return figure;
}

function product(lists) {
  return lists.reduce((found, list) => found.flatMap((head) => list.map((item) => [...head, item])), [[]]);
}

/** Which way each axis runs, and which are summed. */
function axisChips(shape, summed) {
  const arrows = ["\u2192", "\u2193"];
  const chips = shape.map((size, axis) => {
    const arrow = arrows[shape.length - 1 - axis] || "\u2261";
    const isSummed = summed.includes(axis);
    return element(
      "span",
      { class: isSummed ? "axis summed" : "axis" },
      `${isSummed ? "\u03a3 sum over " : ""}axis ${axis} ${arrow} ${size}`,
    );
  });
  return element("div", { class: "axes" }, ...chips);
}

function table(array, block, kept, title) {
  const shape = array.s;
  const columns = shape.length ? kept[shape.length - 1] : [0];
  const rows = shape.length > 1 ? kept[shape.length - 2] : [0];
  const digits = columns.length > 6 ? 3 : 4;
  const body = element("table", {
    role: "grid",
    "aria-label": `${title} ${formatShape(shape)}`,
    class: !shape.length ? "heat scalar" : columns.length > 8 ? "heat wide" : "heat",
  });
  if (shape.length && columns.length > 1) {
    const head = element("tr", { role: "row" });
    if (shape.length > 1) head.append(element("th", { "aria-hidden": "true" }));
    eachWithGap(
      columns,
      (column) => head.append(element("th", { scope: "col" }, String(column))),
      () => head.append(element("th", { class: "gap" }, "\u2026")),
    );
    body.append(element("thead", {}, head));
  }
  const lines = element("tbody");
  eachWithGap(
    rows,
    (row) => {
      const line = element("tr", { role: "row" });
      if (shape.length > 1 && (rows.length > 1 || columns.length > 1))
        line.append(element("th", { scope: "row" }, String(row)));
      eachWithGap(
        columns,
        (column) => line.append(cell(array, [...block, row, column].slice(-shape.length || 3), digits)),
        () => line.append(element("td", { class: "gap" }, "\u2026")),
      );
      lines.append(line);
    },
    () => lines.append(element("tr", {}, element("td", { class: "gap", colspan: columns.length + 2 }, "\u22ee"))),
  );
  body.append(lines);
  const first = body.querySelector("td[data-k]");
  if (first) first.tabIndex = 0;
  return element("div", { class: "scroll" }, body);
}

/** Call `each` on the indices, and `gap` where some are left out between two. */
function eachWithGap(indices, each, gap) {
  indices.forEach((index, k) => {
    if (k && index !== indices[k - 1] + 1) gap();
    each(index);
  });
}

function cell(array, index, digits) {
  const flat = array.s.length ? ravel(index, array.s) : 0;
  const value = array.lookup.get(flat);
  const { side, strength } = shade(value, array.scale);
  return element(
    "td",
    { role: "gridcell", tabindex: "-1", "data-k": flat, class: side, style: `--strength: ${strength}%` },
    formatNumber(value, digits),
  );
}
