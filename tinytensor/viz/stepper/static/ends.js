"use strict";
// The panel where no operation runs: at the start, at the turn, at the end, and for a leaf.

function startPanel() {
  const leaves = record.nodes.map((_, n) => n).filter((n) => record.nodes[n].k !== "op");
  return [
    element(
      "header",
      { class: "step-head" },
      element("p", { class: "phase start" }, "Start"),
      element("h2", {}, "The inputs, before anything is computed"),
      element(
        "p",
        { class: "note" },
        `${countOf.forward} operations forward, then ${countOf.backward} back. Step with the arrow keys, the buttons or the slider; point at an element of an array to see where it came from.`,
      ),
    ),
    section(
      "Given",
      "given",
      arrayList(leaves, (n) => record.nodes[n].d, ""),
    ),
  ];
}

function seedPanel(moment) {
  const node = record.nodes[moment.n];
  return [
    element(
      "header",
      { class: "step-head" },
      element("p", { class: "phase seed" }, "The turn"),
      element("h2", {}, element("span", { id: "node-name" }, node.n), " starts the way back"),
      codeLine(node),
    ),
    section("Result of the forward pass", "result", heatmap(node.d, { title: node.n, role: "out" })),
    section(
      "Its gradient",
      "arriving",
      element(
        "p",
        { class: "note" },
        "The derivative of a number with respect to itself is 1 (or the gradient that was given). Everything else follows from it, by the rules, newest operation first.",
      ),
      heatmap(node.g, { title: `gradient of ${node.n}`, role: "g" }),
    ),
  ];
}

function endPanel() {
  const leaves = record.nodes
    .map((_, n) => n)
    .filter((n) => record.nodes[n].k === "leaf" && record.nodes[n].g !== undefined);
  return [
    element(
      "header",
      { class: "step-head" },
      element("p", { class: "phase end" }, "Done"),
      element("h2", {}, "Every gradient is finished"),
      element("p", { class: "note" }, "This is what backward() adds to the .grad of each leaf."),
    ),
    section(
      "Gradients of the leaves",
      "given",
      arrayList(leaves, (n) => record.nodes[n].g, "gradient of "),
    ),
  ];
}

function arrayList(places, which, prefix) {
  const list = element("div", { class: "operands" });
  for (const n of places) {
    const box = element(
      "div",
      { class: "operand", "data-leaf": n },
      heatmap(which(n), { title: prefix + record.nodes[n].n, role: "leaf", card: n }),
    );
    list.append(box);
  }
  return list;
}

/** What is known of a leaf: it has no step of its own. */
function showLeaf(n, time) {
  const node = record.nodes[n];
  const gradient = gradientAt(n, time);
  const uses = element("p", { class: "letters" }, "Used by ");
  for (const user of new Set(usersOf[n].map(([user]) => user))) uses.append(element("span", {}, nodeLink(user)));
  panel.replaceChildren(
    ...[
      element(
        "header",
        { class: "step-head" },
        element(
          "p",
          { class: "phase leaf" },
          node.k === "leaf"
            ? "A leaf: it was given, and wants a gradient"
            : "Data: it was given, and needs no gradient",
        ),
        element("h2", {}, element("span", { id: "node-name" }, node.n)),
        codeLine(node),
        uses,
      ),
      section("Data", "result", heatmap(node.d, { title: node.n, role: "leaf" })),
      gradient
        ? section(
            "Gradient",
            "arriving",
            element(
              "p",
              { class: "note" },
              gradient.finished ? "finished" : `${gradient.parts} of ${gradient.all} parts have arrived`,
            ),
            heatmap(gradient.array, { title: `gradient of ${node.n}`, role: "leaf" }),
          )
        : null,
    ].filter(Boolean),
  );
  clearTrace();
}
