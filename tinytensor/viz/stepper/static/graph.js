"use strict";
// The drawing of the graph: laid out by dagre, drawn as SVG, lit as the steps go.

class GraphView {
  constructor(frame, onChoose, onFold) {
    this.frame = frame;
    this.onChoose = onChoose;
    this.onFold = onFold;
    this.view = { x: 0, y: 0, scale: 1 };
    this.canvas = svg("svg", {
      class: "graph",
      role: "group",
      "aria-label": "The graph. Arrow keys move between nodes, Enter goes to a node's step, F folds.",
    });
    const marker = (id) =>
      svg(
        "marker",
        {
          id,
          viewBox: "0 0 8 8",
          refX: 7,
          refY: 4,
          markerWidth: id === "tip" ? 9 : 13,
          markerHeight: id === "tip" ? 9 : 13,
          markerUnits: "userSpaceOnUse",
          orient: "auto-start-reverse",
        },
        svg("path", { d: "M0 0.5 L8 4 L0 7.5 z", class: id }),
      );
    this.canvas.append(svg("defs", {}, marker("tip"), marker("tip-lit")));
    this.world = svg("g");
    this.canvas.append(this.world);
    frame.append(this.canvas);
    this.measure();
    this.listen();
  }

  /** Note the size of the frame: asking for it at every step would make the browser lay the page out twice. */
  measure() {
    this.wide = this.frame.clientWidth;
    this.high = this.frame.clientHeight;
  }

  // ------------------------------------------------------------------------------------ layout

  /** Lay out what is visible, and draw it anew: from left to right, unless from top to bottom it is larger. */
  layout() {
    const shown = visibleNodes();
    this.edges = this.visibleEdges(new Set(shown));
    const across = this.laidOut(shown, "LR");
    const down = shown.length <= 60 ? this.laidOut(shown, "TB") : across;
    this.isDown = this.fitting(down.graph()) > 1.3 * this.fitting(across.graph());
    const graph = this.isDown ? down : across;
    this.size = graph.graph();
    this.draw(graph, shown);
  }

  visibleEdges(shown) {
    const edges = new Map();
    record.nodes.forEach((node, user) => {
      (node.a || []).forEach((operand, a) => {
        const from = seenAs(operand.n);
        const to = seenAs(user);
        if (from === to || !shown.has(from)) return;
        const key = `${from} ${to}`;
        if (!edges.has(key)) edges.set(key, { from, to, uses: [] });
        edges.get(key).uses.push({ user, a });
      });
    });
    return edges;
  }

  laidOut(shown, rankdir) {
    const graph = new dagre.graphlib.Graph({ multigraph: true });
    const ranker = shown.length > 250 ? "longest-path" : "network-simplex";
    graph.setGraph({
      rankdir,
      nodesep: rankdir === "LR" ? 16 : 26,
      ranksep: rankdir === "LR" ? 58 : 42,
      edgesep: 10,
      ranker,
    });
    for (const n of shown) graph.setNode(String(n), { width: BOX.width, height: heightOf(n) });
    for (const [key, { from, to }] of this.edges) graph.setEdge(String(from), String(to), {}, key);
    dagre.layout(graph);
    return graph;
  }

  fitting({ width, height }) {
    return Math.min(1.25, (this.wide - 40) / width, (this.high - TOP - 44) / height);
  }

  draw(graph, shown) {
    const edgeLayer = svg("g", { class: "edges" });
    const nodeLayer = svg("g", { class: "nodes" });
    for (const [key, edge] of this.edges) {
      const laid = graph.edge(String(edge.from), String(edge.to), key);
      this.fromPorts(laid.points, graph.node(String(edge.from)), graph.node(String(edge.to)));
      edge.path = svg("path", { d: curve(laid.points, this.isDown), class: "edge" });
      const [first, second] = laid.points;
      // A long edge passes other nodes: its label stands where it leaves its own.
      const middle = laid.points.length > 3 ? { x: (first.x + second.x) / 2, y: (first.y + second.y) / 2 } : second;
      const place = this.isDown
        ? { x: middle.x + 9, y: middle.y + 3, class: "edge-label beside" }
        : { x: middle.x, y: middle.y - 6, class: "edge-label" };
      edge.label = svg("text", place);
      edgeLayer.append(edge.path);
    }
    this.nodes = new Map();
    for (const n of shown) {
      const { x, y } = graph.node(String(n));
      const drawn = drawBox(n, x, y, this.onFold);
      this.nodes.set(n, drawn);
      nodeLayer.append(drawn.group);
    }
    const labels = svg("g", { class: "edge-labels" }, ...[...this.edges.values()].map((edge) => edge.label));
    this.visitors = svg("g", { class: "visitors" });
    this.world.replaceChildren(edgeLayer, nodeLayer, labels, this.visitors);
    if (!this.nodes.has(this.roving)) this.roving = shown[0];
    this.nodes.get(this.roving).group.setAttribute("tabindex", "0");
  }

  /** Let an edge leave and arrive in the middle of the sides that face each other. */
  fromPorts(points, from, to) {
    const last = points.length - 1;
    if (this.isDown) {
      points[0] = { x: from.x, y: from.y + from.height / 2 };
      points[last] = { x: to.x, y: to.y - to.height / 2 };
    } else {
      points[0] = { x: from.x + from.width / 2, y: from.y };
      points[last] = { x: to.x - to.width / 2, y: to.y };
    }
  }

  // ------------------------------------------------------------------------------------ lighting

  /** Show the state of a moment. */
  show(time) {
    const moment = timeline[time];
    const current = moment.n === undefined || moment.phase === "end" ? -1 : seenAs(moment.n);
    for (const [n, drawn] of this.nodes) this.showNode(n, drawn, time, n === current, moment);
    for (const edge of this.edges.values()) this.showEdge(edge, time, moment);
    this.showVisitors(time, moment, current);
    if (current >= 0) this.keepInView(this.nodes.get(current));
  }

  showNode(n, drawn, time, isCurrent, moment) {
    const node = record.nodes[n];
    const known = dataTime[n] <= time;
    const gradient = gradientAt(n, time);
    drawn.group.classList.toggle("future", !known);
    drawn.group.classList.toggle("current", isCurrent);
    drawn.group.classList.toggle("back", isCurrent && moment.phase !== "forward");
    drawn.group.classList.toggle("partial", !!gradient && !gradient.finished);
    drawn.group.classList.toggle("finished", !!gradient && gradient.finished);
    fill(drawn.data, node.d, known);
    fill(drawn.grad, gradient && gradient.array, !!gradient, "\u2014");
    const shape = formatShape(record.arrays[node.d].s);
    const isScalar = !record.arrays[node.d].s.length;
    const data = known
      ? isScalar
        ? `data ${formatNumber(record.arrays[node.d].v[0])}`
        : `shape ${shape}`
      : "not yet computed";
    const grad = gradient
      ? gradient.finished
        ? "gradient finished"
        : `gradient has ${gradient.parts} of ${gradient.all} parts`
      : "no gradient yet";
    drawn.group.setAttribute(
      "aria-label",
      `${node.n}${node.o ? `, ${node.f}` : ""}, ${data}, ${grad}${isCurrent ? ", current step" : ""}`,
    );
    if (isCurrent) drawn.group.setAttribute("aria-current", "step");
    else drawn.group.removeAttribute("aria-current");
  }

  /** Where leaves are left out of the drawing, those of the current step come to its side. */
  showVisitors(time, moment, current) {
    this.visitors.replaceChildren();
    if (!leavesHidden || !moment.n || !["forward", "backward"].includes(moment.phase)) return;
    const here = this.nodes.get(current);
    const operands = record.nodes[moment.n].a;
    const leaves = [...new Set(operands.map(({ n }) => n))].filter((n) => isLeaf(n) && seenAs(n) === n);
    const taken = [...this.nodes.values()];
    leaves.forEach((n) => {
      const { x, y } = this.freePlace(here, heightOf(n), taken);
      taken.push({ x, y, height: heightOf(n) });
      const drawn = drawBox(n, x, y, this.onFold);
      const side = Math.abs(x - here.x) > BOX.width ? Math.sign(here.x - x) : 0; // beside, or above or below
      const level = side ? 0 : Math.sign(here.y - y);
      const from = { x: x + (side * BOX.width) / 2, y: y + (level * heightOf(n)) / 2 };
      const to = { x: here.x - (side * BOX.width) / 2, y: here.y - (level * here.height) / 2 };
      const edge = {
        from: n,
        to: current,
        uses: operands.flatMap((operand, a) => (operand.n === n ? [{ user: moment.n, a }] : [])),
      };
      edge.path = svg("path", { d: curve([from, to], !side), class: "edge" });
      edge.label = svg("text", { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 - 6, class: "edge-label" });
      this.visitors.append(edge.path, drawn.group, edge.label);
      this.showNode(n, drawn, time, false, moment);
      this.showEdge(edge, time, moment);
    });
  }

  /** A place near a node, better to its left, where a box of a height overlaps none. */
  freePlace(here, height, taken) {
    const places = [];
    for (let column = -3; column <= 2; column++) {
      for (let row = -8; row <= 8; row++) {
        places.push({
          x: here.x + column * (BOX.width / 2 + 36),
          y: here.y + row * 38,
          far: Math.hypot(column + 2, row / 2.5),
        });
      }
    }
    places.sort((a, b) => a.far - b.far);
    const overlaps = (place) =>
      taken.some(
        (box) =>
          Math.abs(box.x - place.x) < BOX.width + 12 && Math.abs(box.y - place.y) < (box.height + height) / 2 + 8,
      );
    return places.find((place) => !overlaps(place)) || places[0];
  }

  showEdge(edge, time, moment) {
    const used = edge.uses.filter(({ user }) => user === moment.n);
    let part = null;
    if (moment.phase === "backward" && used.length) part = moment.step.p.find((p) => used.some(({ a }) => a === p.a));
    const isForward = moment.phase === "forward" && used.length > 0;
    const isBackward = !!part;
    const done = edge.uses.every(({ user }) => dataTime[user] <= time);
    edge.path.classList.toggle("lit", isForward || isBackward);
    edge.path.classList.toggle("backward", isBackward);
    edge.path.classList.toggle("future", !done);
    edge.label.classList.toggle("lit", isForward || isBackward);
    edge.path.setAttribute(
      isBackward ? "marker-start" : "marker-end",
      isForward || isBackward ? "url(#tip-lit)" : "url(#tip)",
    );
    edge.path.removeAttribute(isBackward ? "marker-end" : "marker-start");
    const carried = isBackward
      ? part.v
      : record.nodes[used.length ? record.nodes[used[0].user].a[used[0].a].n : edge.from].d;
    const shape = record.arrays[carried].s;
    const times = edge.uses.length > 1 ? ` \u00d7${edge.uses.length}` : "";
    const isNumber = !shape.length && (isForward || isBackward);
    edge.label.textContent =
      (isNumber ? formatNumber(record.arrays[carried].v[0]) : shape.length ? formatShape(shape) : "()") + times;
  }

  // ------------------------------------------------------------------------------------ the view

  place() {
    const { x, y, scale } = this.view;
    this.world.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    this.canvas.classList.toggle("far", scale < 0.55);
  }

  /** See all of the graph. */
  fit() {
    if (!this.wide || !this.high) return;
    this.view.scale = Math.max(this.fitting(this.size), 0.08);
    this.view.x = (this.wide - this.size.width * this.view.scale) / 2;
    this.view.y = TOP + (this.high - TOP - 28 - this.size.height * this.view.scale) / 2;
    this.place();
  }

  /** See all of the graph if it can be read then, else the part around a node. */
  settle(n) {
    this.fit();
    if (this.view.scale >= READABLE) return;
    this.zoom(READABLE / this.view.scale);
    this.keepInView(this.nodes.get(n) || this.nodes.values().next().value);
    this.fill();
  }

  /** Move the view so that no part of the frame is empty that the graph could fill. */
  fill() {
    const within = (at, extent, from, room) =>
      extent <= room ? from + (room - extent) / 2 : Math.min(from, Math.max(from + room - extent, at));
    const { view, size } = this;
    view.x = within(view.x, size.width * view.scale, 0, this.wide);
    view.y = within(view.y, size.height * view.scale, TOP, this.high - TOP - 28);
    this.place();
  }

  zoom(factor, x = this.wide / 2, y = this.high / 2) {
    const scale = Math.min(3, Math.max(0.08, this.view.scale * factor));
    const ratio = scale / this.view.scale;
    this.view.x = x - (x - this.view.x) * ratio;
    this.view.y = y - (y - this.view.y) * ratio;
    this.view.scale = scale;
    this.place();
  }

  /** Move the view just so far that a node is well within it. */
  keepInView({ x, y, height }) {
    const { wide, high } = this;
    const margin = 30;
    const half = { x: (BOX.width / 2) * this.view.scale + margin, y: (height / 2) * this.view.scale + margin };
    const at = { x: this.view.x + x * this.view.scale, y: this.view.y + y * this.view.scale };
    if (at.x < half.x || at.x > wide - half.x) this.view.x += wide / 2 - at.x;
    if (at.y < TOP + half.y || at.y > high - half.y) this.view.y += (TOP + high) / 2 - at.y;
    this.place();
  }

  // ------------------------------------------------------------------------------------ events

  listen() {
    this.canvas.addEventListener(
      "wheel",
      (event) => {
        if (
          !event.ctrlKey &&
          !event.metaKey &&
          document.activeElement !== this.frame &&
          !this.canvas.contains(document.activeElement) &&
          event.deltaMode === 0 &&
          window.self !== window.top
        )
          return; // let a notebook scroll
        event.preventDefault();
        const box = this.canvas.getBoundingClientRect();
        this.zoom(Math.exp(-event.deltaY / 500), event.clientX - box.left, event.clientY - box.top);
      },
      { passive: false },
    );
    let drag = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      drag = { x: event.clientX, y: event.clientY, moved: false };
    });
    window.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
      if (!drag.moved && Math.hypot(dx, dy) < 4) return;
      this.view.x += dx;
      this.view.y += dy;
      drag = { x: event.clientX, y: event.clientY, moved: true };
      this.place();
    });
    window.addEventListener("pointerup", (event) => {
      const moved = drag && drag.moved;
      drag = null;
      const group = event.target instanceof Element && event.target.closest(".node");
      if (group && !moved && this.canvas.contains(group) && !event.target.closest(".fold"))
        this.onChoose(Number(group.dataset.n));
    });
    this.canvas.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const group = event.target.closest && event.target.closest(".node");
    if (!group || event.ctrlKey || event.metaKey || event.altKey) return;
    const n = Number(group.dataset.n);
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (direction) this.focus(this.neighbour(n, direction));
    else if (event.key === "Enter") this.onChoose(n);
    else if (event.key.toLowerCase() === "f") this.onFold(n);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** The nearest node in a direction. */
  neighbour(n, [right, down]) {
    const here = this.nodes.get(n);
    let best = n;
    let least = Infinity;
    for (const [other, there] of this.nodes) {
      const along = (there.x - here.x) * right + (there.y - here.y) * down;
      const across = Math.abs((there.x - here.x) * down) + Math.abs((there.y - here.y) * right);
      if (other === n || along <= 1 || along < across / 2) continue;
      if (along + 2 * across < least) [best, least] = [other, along + 2 * across];
    }
    return best;
  }

  focus(n) {
    const before = this.nodes.get(this.roving);
    if (before) before.group.setAttribute("tabindex", "-1");
    this.roving = n;
    const drawn = this.nodes.get(n);
    drawn.group.setAttribute("tabindex", "0");
    this.keepInView(drawn);
    drawn.group.focus();
  }
}
