"use strict";
// The panel: what happens in the current step, in formulas, heatmaps and words.

const panel = document.getElementById("panel");

function math(markup) {
  const holder = element("span", { class: "math" });
  holder.innerHTML = markup; // from the table of formulas, never from the user's data
  return holder;
}

function section(title, name, ...children) {
  return element("section", { class: `card ${name}` }, title ? element("h3", {}, title) : null, ...children);
}

function nodeLink(n) {
  const button = element("button", { type: "button", class: "node-link", "data-go": n }, record.nodes[n].n);
  button.addEventListener("click", () => app.choose(n));
  return button;
}

function showPanel(time) {
  const moment = timeline[time];
  const build = { start: startPanel, forward: forwardPanel, seed: seedPanel, backward: backwardPanel, end: endPanel }[
    moment.phase
  ];
  panel.replaceChildren(...build(moment, time).filter(Boolean));
  panel.scrollTop = 0;
  clearTrace();
}

// ------------------------------------------------------------------------------------ headings

function heading(moment, time) {
  const node = record.nodes[moment.n];
  const isForward = moment.phase === "forward";
  const at = isForward ? time : time - seedTime;
  const count = isForward ? countOf.forward : countOf.backward;
  const gradient = gradientAt(moment.n, time);
  const chips = element("div", { class: "facts" });
  chips.append(element("span", { class: "fact" }, "shape ", element("b", {}, formatShape(record.arrays[node.d].s))));
  if (!record.values) chips.append(element("span", { class: "fact" }, record.arrays[node.d].t || "float64"));
  if (!isForward && gradient && gradient.all > 1)
    chips.append(element("span", { class: "fact" }, `gradient of ${gradient.all} uses, finished`));
  return element(
    "header",
    { class: "step-head" },
    element(
      "p",
      { class: `phase ${moment.phase}` },
      isForward ? `Forward ${at} of ${count}` : `Backward ${at} of ${count}`,
    ),
    element("h2", {}, element("span", { class: "op-chip" }, node.o), " ", element("span", { id: "node-name" }, node.n)),
    element("code", { class: "call" }, node.c),
    chips,
    codeLine(node),
  );
}

/** The line of the user's code that made a node, or how to get it. */
function codeLine(node) {
  const line = lineOf(node);
  if (line) {
    return element(
      "p",
      { class: "code-line" },
      element("span", { class: "place" }, line.place),
      element("code", {}, line.text || line.function),
    );
  }
  const hint = record.lines.length
    ? "This node was made outside of record_lines."
    : "To see your line of code here, build the loss within tt.record_lines(), or give step_through a function.";
  return element("p", { class: "code-line missing" }, hint);
}

function sourceCard(name) {
  const rule = record.rules[name];
  const details = element(
    "details",
    { class: "card source", open: true },
    element("summary", {}, "The rule, as it is written in the table"),
  );
  for (const { place, text } of rule.source) {
    details.append(
      element("div", { class: "place" }, place),
      element("pre", { tabindex: "0", role: "region", "aria-label": `Source, ${place}` }, element("code", {}, text)),
    );
  }
  if (!rule.source.length) details.append(element("p", { class: "note" }, "Its source is not at hand."));
  if (rule.if) details.append(element("p", { class: "note" }, `In the formulas: ${rule.if}.`));
  return details;
}

/** Which letter of the formulas stands for which node. */
function letters(node) {
  const rule = record.rules[node.f];
  if (!rule.letters) return null;
  const found = element("p", { class: "letters" });
  const seen = new Set();
  for (const operand of node.a) {
    const letter = rule.letters[String(operand.p)];
    if (!letter || seen.has(operand.p)) continue;
    seen.add(operand.p);
    found.append(element("span", {}, element("i", {}, letter), " is ", nodeLink(operand.n)));
  }
  found.append(element("span", {}, element("i", {}, rule.letters.out), " is ", element("b", {}, node.n)));
  return found;
}

// ------------------------------------------------------------------------------------ forward

function forwardPanel(moment, time) {
  const node = record.nodes[moment.n];
  const rule = record.rules[node.f];
  const operands = element("div", { class: "operands" });
  node.a.forEach((operand, a) => {
    const source = record.nodes[operand.n];
    const box = element("div", { class: "operand" }, heatmap(source.d, { title: source.n, role: "operand", card: a }));
    if (operand.c) box.append(element("p", { class: "why copy" }, element("b", {}, "Copied. "), operand.c));
    operands.append(box);
  });
  return [
    heading(moment, time),
    rule.math ? section("The function", "formula", math(rule.math[0]), letters(node)) : null,
    section(node.a.length > 1 ? "Operands" : "Operand", "inputs", operands),
    section("Result", "result", heatmap(node.d, { title: node.n, role: "out" })),
    sourceCard(node.f),
  ];
}

// ------------------------------------------------------------------------------------ backward

function backwardPanel(moment, time) {
  const node = record.nodes[moment.n];
  const { step } = moment;
  const arriving = heatmap(step.g, { title: `gradient of ${node.n}`, role: "g" });
  const cards = step.p.map((part, card) => partCard(moment, part, card, time));
  const without = (step.x || []).map(([a, why]) => {
    const source = record.nodes[node.a[a].n];
    return element("p", { class: "without" }, "To ", element("b", {}, source.n), ": nothing, ", why + ".");
  });
  return [
    heading(moment, time),
    section(
      "The gradient that has arrived",
      "arriving",
      element("p", { class: "note" }, arrivedFrom(moment.n)),
      arriving,
      madeFirst(step),
    ),
    ...cards,
    without.length ? section("", "nothing", ...without) : null,
    sourceCard(node.f),
  ];
}

/** What the rule makes of the arriving gradient for all of its entries, where it does. */
function madeFirst({ h }) {
  if (h === undefined) return "";
  const why = element(
    "p",
    { class: "why" },
    element("b", {}, "First, once for all operands, "),
    "the rule makes of it what its entries are given as g (arriving= in the row):",
  );
  return element(
    "div",
    { class: "accumulation" },
    why,
    heatmap(h, { title: "g, as the rule's entries get it", role: "h" }),
  );
}

function arrivedFrom(n) {
  if (n === record.nodes.length - 1) return "The walk starts here, with the gradient that backward() was given.";
  const parts = gradientHistory[n].length;
  return parts === 1
    ? "From its one use; it is finished."
    : `The sum of its ${parts} uses: all of them have been visited, so it is finished.`;
}

function partCard(moment, part, card, time) {
  const node = record.nodes[moment.n];
  const operand = node.a[part.a];
  const target = record.nodes[operand.n];
  const rule = record.rules[node.f];
  const title = element("h3", {}, "To ", nodeLink(operand.n));
  const formula = rule.math && rule.math[rule.p.indexOf(operand.p) + 1];
  const flow = element("div", { class: "flow" });
  const scalar = !record.arrays[node.d].s.length && !record.arrays[target.d].s.length;
  const add = (sign, place, options) => {
    if (sign) flow.append(element("span", { class: "sign", "aria-hidden": "true" }, sign));
    flow.append(heatmap(place, { card, ...options }));
  };
  const other = otherFactor(node, part.a);
  if (part.l !== undefined) {
    if (scalar) add("", moment.step.g, { title: "arriving", role: "g-copy" });
    if (!scalar) flow.append(element("span", { class: "words" }, "arriving"));
    add("\u00d7", part.l, { title: "local derivative", role: "local" });
  } else if (other >= 0) {
    const factor = record.nodes[node.a[other].n];
    flow.append(element("span", { class: "words" }, "arriving, with"));
    add("", factor.d, {
      title: `local derivative: ${factor.n}`,
      role: "factor",
      note: "The product is linear, so its derivative is the other factor.",
    });
  }
  if (part.r !== undefined) {
    add(part.l !== undefined ? "=" : "", part.r, {
      title: "arriving \u00d7 local, before the sum",
      role: "raw",
      summed: part.x || [],
    });
  }
  const result = part.r !== undefined ? "\u03a3 =" : part.l !== undefined || other >= 0 ? "=" : "\u2192";
  add(flow.children.length ? result : "", part.v, { title: `part for ${target.n}`, role: "part" });
  const made = element("section", { class: "card part", "data-part": card, "data-to": operand.n }, title);
  if (formula) made.append(math(formula));
  if (part.w)
    made.append(
      element("p", { class: part.x ? "why sum" : "why" }, part.x ? element("b", {}, "\u03a3 ") : null, part.w),
    );
  made.append(flow, accumulation(operand.n, part, card, time));
  return made;
}

/** The gradient so far: old + part = new where the node is used more than once. */
function accumulation(n, part, card, time) {
  const target = record.nodes[n];
  const history = gradientHistory[n];
  if (history.length < 2) {
    const done = element("p", { class: "note accumulated" });
    done.append(`${target.n} is used once, so this is its whole gradient.`);
    return done;
  }
  const uses = history.filter(([when]) => when <= time).length;
  const nth = history.findIndex(([when, array]) => when === time && array === (part.t ?? part.v)) + 1;
  const box = element("div", { class: "accumulation" });
  const words =
    part.b === undefined
      ? `the first of ${history.length} parts is stored`
      : nth === history.length
        ? `part ${nth} of ${history.length} is added: finished`
        : `part ${nth} of ${history.length} is added, and ${history.length - nth} more to come`;
  box.append(
    element(
      "p",
      { class: "why" },
      element("b", {}, `${target.n} is used ${history.length} times`),
      `, and the gradients of all uses add up: ${words}.`,
    ),
  );
  if (part.b !== undefined) {
    const flow = element("div", { class: "flow" });
    flow.append(
      heatmap(part.b, { title: "old", role: "before", card }),
      element("span", { class: "sign", "aria-hidden": "true" }, "+"),
      heatmap(part.v, { title: "part", role: "part-copy", card }),
      element("span", { class: "sign", "aria-hidden": "true" }, "="),
      heatmap(part.t, { title: "new", role: "after", card }),
    );
    box.append(flow);
  }
  box.dataset.uses = uses;
  return box;
}
