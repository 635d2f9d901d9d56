"use strict";
// Folding: a node can hide everything that leads to it alone. What leads to a node alone is what it dominates, on the
// way from the loss back.

/** For each node the next one that every way to the loss goes through; -1 for the loss. */
const gateOf = record.nodes.map(() => -1);
const depthOf = record.nodes.map(() => 0);
for (let n = record.nodes.length - 2; n >= 0; n--) {
  gateOf[n] = usersOf[n].map(([user]) => user).reduce(commonGate);
  depthOf[n] = depthOf[gateOf[n]] + 1;
}

function commonGate(a, b) {
  while (a !== b) {
    if (depthOf[a] < depthOf[b]) [a, b] = [b, a];
    a = gateOf[a];
  }
  return a;
}

/** How many operations, and nodes, a node would hide. */
const hiddenOps = record.nodes.map(() => 0);
const hiddenNodes = record.nodes.map(() => 0);
for (let n = 0; n < record.nodes.length - 1; n++) {
  hiddenOps[gateOf[n]] += hiddenOps[n] + (record.nodes[n].k === "op" ? 1 : 0);
  hiddenNodes[gateOf[n]] += hiddenNodes[n] + 1;
}

const folded = new Set();
let foldSize = 0; // parts with at most so many operations are folded
const MOST_DRAWN = 900; // nodes; laying out more takes many seconds

function canFold(n) {
  return hiddenNodes[n] > 0;
}

/** Fold the largest parts that have at most so many operations. */
function foldTo(size) {
  foldSize = size;
  folded.clear();
  const root = record.nodes.length - 1;
  for (let n = 0; n < root; n++) {
    const small = hiddenOps[n] > 0 && hiddenOps[n] <= size;
    if (small && (gateOf[n] === root || hiddenOps[gateOf[n]] > size)) folded.add(n);
  }
}

/** The node that is seen in place of `n`: itself, or the outermost folded one that hides it. */
function seenAs(n) {
  let seen = n;
  for (let gate = gateOf[n]; gate >= 0; gate = gateOf[gate]) if (folded.has(gate)) seen = gate;
  return seen;
}

/** Whether leaves are left out of the drawing: of a large graph they would be most, in one long row. */
let leavesHidden = false;

function isLeaf(n) {
  return record.nodes[n].k !== "op";
}

function visibleNodes() {
  return record.nodes.map((_, n) => n).filter((n) => seenAs(n) === n && !(leavesHidden && isLeaf(n)));
}

/** Unfold whatever hides a node. */
function reveal(n) {
  let changed = false;
  for (let gate = gateOf[n]; gate >= 0; gate = gateOf[gate]) changed = folded.delete(gate) || changed;
  return changed;
}

/** Fold just so much that the graph can be read at once. */
function foldToFit(most = 60) {
  leavesHidden = record.nodes.length > 120;
  let [enough, tooLittle] = [record.nodes.length, -1];
  while (enough - tooLittle > 1) {
    const size = Math.floor((enough + tooLittle) / 2);
    foldTo(size);
    if (visibleNodes().length <= most) enough = size;
    else tooLittle = size;
  }
  foldTo(enough);
}

/**
 * Fold larger parts, or smaller ones: of twice or half as many operations, and so on until something changes. What
 * could not be drawn in reasonable time stays folded. Returns whether it was done.
 */
function foldBy(larger) {
  const before = foldSize;
  const count = visibleNodes().length;
  do {
    foldTo(larger ? Math.max(1, foldSize * 2) : Math.floor(foldSize / 2));
  } while (visibleNodes().length === count && foldSize > 0 && foldSize < record.nodes.length);
  if (visibleNodes().length <= MOST_DRAWN) return true;
  foldTo(before);
  return false;
}
