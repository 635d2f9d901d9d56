"use strict";
// Where an element came from: the cells that are lit while one is pointed at or has the focus, and the sentence below.

const readout = document.getElementById("readout");
let traced = null;

function clearTrace() {
  traced = null;
  for (const cell of panel.querySelectorAll(".from, .to, .pointed")) cell.classList.remove("from", "to", "pointed");
  readout.textContent = "Point at an element, or move to it with the keys, to see where it came from.";
}

function light(role, card, places, name) {
  const scope = card === "" ? `[data-role="${role}"]` : `[data-role="${role}"][data-card="${card}"]`;
  const wanted = new Set(places);
  for (const cell of panel.querySelectorAll(`${scope} td[data-k]`))
    if (wanted.has(Number(cell.dataset.k))) cell.classList.add(name);
}

function indexText(place, shape) {
  return shape.length ? `[${unravel(place, shape).join(", ")}]` : "";
}

/** Light what an element came from, and say it. */
function trace(cell) {
  if (cell === traced) return;
  clearTrace();
  traced = cell;
  cell.classList.add("pointed");
  const figure = cell.closest("figure");
  const array = record.arrays[figure.dataset.array];
  const k = Number(cell.dataset.k);
  const { role, card } = figure.dataset;
  const moment = timeline[app.time];
  const own = `${figure.querySelector(".array-title").textContent}${indexText(k, array.s)} = ${formatNumber(valuesOf(array).get(k), 9)}`;
  let origin = "";
  if (moment.phase === "forward") origin = traceForward(moment.n, role, Number(card), k);
  else if (moment.phase === "backward") origin = traceBackward(moment, role, card, k);
  readout.textContent = own + origin;
}

function namesOf(n, places) {
  const shape = record.arrays[record.nodes[n].d].s;
  const shown = places.slice(0, 6).map((place) => record.nodes[n].n + indexText(place, shape));
  return shown.join(", ") + (places.length > 6 ? ` and ${places.length - 6} more` : "");
}

function traceForward(n, role, a, k) {
  const node = record.nodes[n];
  if (role === "operand") {
    const places = uses(n, a, k);
    if (!places) return "";
    light("out", "", places, "to");
    return ` \u2192 goes into ${places.length ? namesOf(n, places) : "nothing"}`;
  }
  const found = [];
  node.a.forEach((operand, a) => {
    const places = sources(n, a, k);
    if (!places) return;
    light("operand", a, places, "from");
    if (places.length) found.push(namesOf(operand.n, places));
  });
  return found.length ? ` \u2190 came from ${found.join(", ")}` : "";
}

function traceBackward(moment, role, card, k) {
  const { step, n } = moment;
  if (role === "g" || role === "h") {
    const reached = step.p.map((part, place) => {
      const places = sources(n, part.a, k);
      if (!places) return "";
      light("part", place, places, "to");
      light("h", "", [k], "to");
      light("raw", place, [k], "to");
      return namesOf(record.nodes[n].a[part.a].n, places);
    });
    const known = reached.filter(Boolean);
    return known.length ? ` \u2192 goes to the gradients of ${known.join(", ")}` : "";
  }
  const part = step.p[card];
  if (!part) return "";
  if (["before", "part-copy", "after"].includes(role)) {
    for (const same of ["before", "part-copy", "after", "part"]) light(same, card, [k], "from");
    return role === "after" ? ` = ${number(part.b, k)} + ${number(part.v, k)}` : "";
  }
  if (role === "raw" || (role === "local" && !sameShape(part.l, part.v))) return traceRaw(moment, part, card, k);
  if (role === "factor") return "";
  return tracePart(moment, part, card, k);
}

function number(place, k) {
  const value = valuesOf(record.arrays[place]).get(k);
  return value === undefined ? "?" : formatNumber(value);
}

function sameShape(a, b) {
  return String(record.arrays[a].s) === String(record.arrays[b].s);
}

/** An element before the sum: the arriving gradient times the local derivative, in the same place. */
function traceRaw({ step, n }, part, card, k) {
  light("g", "", [k], "from");
  light("h", "", [k], "from");
  light("local", card, [k], "from");
  light("part", card, sources(n, part.a, k) || [], "to");
  return part.l === undefined ? "" : ` = ${number(step.h ?? step.g, k)} \u00d7 ${number(part.l, k)}`;
}

/** An element of a part: all arriving gradients that it takes in, each with what it is multiplied by. */
function tracePart({ step, n }, part, card, e) {
  const node = record.nodes[n];
  const places = uses(n, part.a, e);
  if (!places) return "";
  light("g", "", places, "from");
  light("h", "", places, "from");
  light("g-copy", card, places, "from");
  light("raw", card, places, "from");
  const localShape = part.l === undefined ? null : record.arrays[part.l].s;
  const other = otherFactor(node, part.a);
  const arrived = step.h ?? step.g;
  let terms;
  if (localShape) {
    const at = sameShape(part.l, part.v) ? () => e : (k) => k;
    light("local", card, places.map(at), "from");
    terms = places.map((k) => `${number(arrived, k)} \u00d7 ${number(part.l, at(k))}`);
  } else if (other >= 0) {
    const partners = places.map((k) => partner(n, part.a, e, k));
    light("factor", card, partners, "from");
    const factor = record.nodes[node.a[other].n].d;
    terms = places.map((k, t) => `${number(arrived, k)} \u00d7 ${number(factor, partners[t])}`);
  } else {
    const isAdded = node.w.kind === "map" || node.a[part.a].p === 2; // moved elements, and a layer's bias
    terms = isAdded ? places.map((k) => number(arrived, k)) : [];
  }
  if (!terms.length) return ` \u2190 came from ${places.length} arriving gradients`;
  const shown = terms.slice(0, 4).join(" + ") + (terms.length > 4 ? ` + \u2026 (${terms.length} terms)` : "");
  return ` = ${shown}`;
}
