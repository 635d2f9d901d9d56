"use strict";
// The record that Python wrote, and the state of the graph at every moment.
//
// record.nodes: n name, d data (a place in record.arrays), k kind (leaf, data, array, op), g finished gradient, l line;
//   of an operation f function, o symbol, c call, w provenance, a operands: n node, p position, s spread, c sentence.
// record.steps, backward: n node, g arriving gradient, h what the rule makes of it first, x operands without a part,
//   p parts: a operand, v part, r before the sum, l local derivative, b before, t total, x summed axes, w why.

const record = JSON.parse(document.getElementById("record").textContent);

/** Every moment: the start, each operation forward, the seed, each operation backward, the end. */
const timeline = [
  { phase: "start" },
  ...record.nodes.flatMap((node, n) => (node.k === "op" ? [{ phase: "forward", n }] : [])),
  { phase: "seed", n: record.nodes.length - 1 },
  ...record.steps.map((step) => ({ phase: "backward", n: step.n, step })),
  { phase: "end" },
];
const seedTime = timeline.findIndex((moment) => moment.phase === "seed");
const countOf = { forward: seedTime - 1, backward: record.steps.length };

/** When each node gets its data, and each of the values that its gradient takes on the way: [time, array, part]. */
const dataTime = record.nodes.map(() => 0);
const gradientHistory = record.nodes.map(() => []);
const stepTime = { forward: new Map(), backward: new Map() };

timeline.forEach((moment, time) => {
  if (moment.phase === "forward") {
    dataTime[moment.n] = time;
    stepTime.forward.set(moment.n, time);
  } else if (moment.phase === "seed") {
    gradientHistory[moment.n].push([time, record.nodes[moment.n].g]);
  } else if (moment.phase === "backward") {
    stepTime.backward.set(moment.n, time);
    const operands = record.nodes[moment.n].a;
    for (const part of moment.step.p) {
      gradientHistory[operands[part.a].n].push([time, part.t ?? part.v]);
    }
  }
});

/** The gradient of a node at a time: its array, how many parts of how many it has; null before the first. */
function gradientAt(n, time) {
  const history = gradientHistory[n];
  const parts = history.filter(([when]) => when <= time).length;
  if (!parts) return null;
  return { array: history[parts - 1][1], parts, all: history.length, finished: parts === history.length };
}

/** Who uses each node: its users, once for each use. */
const usersOf = record.nodes.map(() => []);
record.nodes.forEach((node, n) => (node.a || []).forEach((operand, a) => usersOf[operand.n].push([n, a])));

function lineOf(node) {
  return node.l === undefined ? null : record.lines[node.l];
}
