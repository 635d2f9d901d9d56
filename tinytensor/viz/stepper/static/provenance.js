"use strict";
// Which elements came from which: worked out when an element is pointed at, by the law that Python named.

/** The flat indices in operand `a` of node `n` that element `k` of its result came from; null where that is unknown. */
function sources(n, a, k) {
  const node = record.nodes[n];
  const law = node.w;
  const shape = record.arrays[node.d].s;
  const operand = node.a[a];
  const from = record.arrays[record.nodes[operand.n].d].s;
  const index = unravel(k, shape);
  switch (law.kind) {
    case "each":
      return [
        ravel(
          from.map((size, axis) => (size === 1 ? 0 : index[axis + shape.length - from.length])),
          from,
        ),
      ];
    case "matmul":
      return matmulSources(node, operand.p, index, from);
    case "linear":
      return linearSources(operand.p, index, from);
    case "reduce":
      return operand.p === 0 ? reduceSources(law.axes, index, from, shape) : null;
    case "row":
      return line(index, law.axis, from);
    case "map":
      return law.from[a] ? law.from[a].slice(k, k + 1).filter((place) => place >= 0) : null;
    case "lists":
      return law.from[operand.p][k];
    default:
      return null;
  }
}

function line(index, axis, shape) {
  return [...Array(shape[axis]).keys()].map((place) => ravel(index.with(axis, place), shape));
}

function matmulSources(node, position, index, from) {
  const ranks = node.a.map((operand) => record.arrays[record.nodes[operand.n].d].s.length);
  const rowless = ranks[0] === 1 ? 0 : 1;
  const columnless = ranks[1] === 1 ? 0 : 1;
  if (from.length === 1) return [...Array(from[0]).keys()];
  const batch = index.slice(0, index.length - rowless - columnless);
  const own = from.slice(0, -2).map((size, axis) => (size === 1 ? 0 : batch[axis + batch.length - from.length + 2]));
  if (position === 0) return line([...own, index[batch.length], 0], from.length - 1, from);
  return line([...own, 0, index[index.length - 1]], from.length - 2, from);
}

function linearSources(position, index, from) {
  const column = index[index.length - 1];
  if (position === 2) return [column];
  if (position === 1) return line([column, 0], 1, from);
  return line([...index.slice(0, -1), 0], from.length - 1, from);
}

function reduceSources(axes, index, from, shape) {
  const kept = shape.length === from.length;
  let next = 0;
  const choices = from.map((size, axis) => {
    if (axes.includes(axis)) {
      if (kept) next++;
      return [...Array(size).keys()];
    }
    return [index[next++]];
  });
  return product(choices).map((place) => ravel(place, from));
}

/** The flat indices in the result of node `n` that element `e` of operand `a` went into. */
const inverses = new Map();
function uses(n, a, e) {
  const key = `${n} ${a}`;
  if (!inverses.has(key)) {
    const size = sizeOf(record.arrays[record.nodes[n].d].s);
    const inverse = new Map();
    if (size > 20000 || sources(n, a, 0) === null) {
      inverses.set(key, null);
    } else {
      for (let k = 0; k < size; k++) {
        for (const place of sources(n, a, k)) {
          if (!inverse.has(place)) inverse.set(place, []);
          inverse.get(place).push(k);
        }
      }
      inverses.set(key, inverse);
    }
  }
  const inverse = inverses.get(key);
  return inverse && (inverse.get(e) || []);
}

/** The operand that a product multiplies this one with: its place among the operands, or -1. */
function otherFactor(node, a) {
  if (!["matmul", "linear"].includes(node.w.kind) || node.a[a].p > 1) return -1;
  return node.a.findIndex((operand) => operand.p === 1 - node.a[a].p);
}

/** The element of the other factor that element `e` of operand `a` meets in element `k` of the product. */
function partner(n, a, e, k) {
  const other = otherFactor(record.nodes[n], a);
  const place = sources(n, a, k).indexOf(e);
  return sources(n, other, k)[place];
}
