"use strict";
// The page's clock and controls: buttons, keys, slider, search, theme.

const byId = (id) => document.getElementById(id);

const app = {
  time: 0,
  timer: null,

  start() {
    byId("title").textContent = record.title;
    const slider = byId("slider");
    slider.max = timeline.length - 1;
    byId("forward-part").style.flexGrow = seedTime;
    byId("backward-part").style.flexGrow = timeline.length - 1 - seedTime;
    foldToFit();
    this.graph = new GraphView(
      byId("graph"),
      (n) => this.choose(n),
      (n) => this.fold(n),
    );
    this.relayout();
    this.listen();
    this.go(0);
  },

  // ------------------------------------------------------------------------------------ steps

  /** Show the moment at a time. */
  go(time) {
    this.time = Math.max(0, Math.min(timeline.length - 1, time));
    const moment = timeline[this.time];
    this.graph.show(this.time);
    showPanel(this.time);
    const words = this.words(moment);
    byId("slider").value = this.time;
    byId("slider").setAttribute("aria-valuetext", words);
    byId("position").textContent = `${this.time} / ${timeline.length - 1}`;
    byId("announce").textContent = words;
    for (const id of ["first", "previous"]) byId(id).setAttribute("aria-disabled", this.time === 0);
    for (const id of ["next", "last"]) byId(id).setAttribute("aria-disabled", this.time === timeline.length - 1);
    document.body.dataset.phase = moment.phase;
    if (this.time === timeline.length - 1) this.pause();
  },

  words(moment) {
    const node = moment.n === undefined ? null : record.nodes[moment.n];
    return {
      start: () => "Start: the inputs",
      forward: () => `Forward, ${node.f}: ${node.n}`,
      seed: () => `The turn: the gradient of ${node.n} is given`,
      backward: () => `Backward, ${node.f}: from ${node.n}`,
      end: () => "Done: the gradients of the leaves",
    }[moment.phase]();
  },

  play() {
    if (this.timer) return this.pause();
    if (this.time === timeline.length - 1) this.go(0);
    this.timer = setInterval(() => this.go(this.time + 1), 1400);
    byId("play").setAttribute("aria-pressed", "true");
    byId("play").setAttribute("aria-label", "Pause");
    byId("play").firstElementChild.textContent = "\u275a\u275a";
    return undefined;
  },

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    byId("play").setAttribute("aria-pressed", "false");
    byId("play").setAttribute("aria-label", "Play");
    byId("play").firstElementChild.textContent = "\u25b6";
  },

  /** Go to the step of a node: on the way that is being walked now. A leaf has none, and is shown by itself. */
  choose(n) {
    if (reveal(n)) this.relayout();
    const back = this.time >= seedTime && stepTime.backward.get(n);
    const time = back || stepTime.forward.get(n);
    if (time !== undefined) {
      this.go(time);
    } else {
      this.graph.show(this.time);
      showLeaf(n, this.time);
    }
    if (this.graph.nodes.has(n)) this.graph.keepInView(this.graph.nodes.get(n));
  },

  // ------------------------------------------------------------------------------------ folding

  fold(n) {
    if (n === undefined || !canFold(n) || n === record.nodes.length - 1) return;
    if (!folded.delete(n)) folded.add(n);
    const hadFocus = byId("graph").contains(document.activeElement);
    this.relayout(false);
    this.graph.show(this.time);
    if (hadFocus && this.graph.nodes.has(n)) this.graph.focus(n);
  },

  foldBy(larger) {
    const done = foldBy(larger);
    this.relayout();
    if (!done) byId("fold-state").textContent += `; more than ${MOST_DRAWN} would take too long to draw`;
    this.graph.show(this.time);
  },

  showLeaves(wanted) {
    leavesHidden = !wanted;
    const done = visibleNodes().length <= MOST_DRAWN;
    if (!done) leavesHidden = true;
    this.relayout();
    if (!done) byId("fold-state").textContent += `; more than ${MOST_DRAWN} would take too long to draw`;
    this.graph.show(this.time);
  },

  relayout(fit = true) {
    this.graph.layout();
    if (fit) this.graph.settle(seenAs(timeline[this.time].n ?? 0));
    else this.graph.place();
    const leaves = leavesHidden ? record.nodes.filter((_, n) => isLeaf(n)).length : 0;
    const hidden = record.nodes.length - leaves - this.graph.nodes.size;
    const notes = [`${record.nodes.length} nodes`];
    if (hidden > 0) notes.push(`${hidden} folded into the shadowed ones`);
    if (leaves) notes.push(`the ${leaves} leaves come when they are used`);
    byId("fold-state").textContent = notes.join("; ");
    byId("leaves").setAttribute("aria-pressed", String(!leavesHidden));
    byId("fold-more").disabled = foldSize >= record.nodes.length;
    byId("fold-less").disabled = hidden <= 0;
  },

  // ------------------------------------------------------------------------------------ controls

  listen() {
    const clicks = {
      first: () => this.go(0),
      previous: () => this.go(this.time - 1),
      play: () => this.play(),
      next: () => this.go(this.time + 1),
      last: () => this.go(timeline.length - 1),
      turn: () => this.go(seedTime),
      theme: () => this.switchTheme(),
      help: () => byId("help-text").showModal(),
      "zoom-in": () => this.graph.zoom(1.25),
      "zoom-out": () => this.graph.zoom(0.8),
      fit: () => this.graph.fit(),
      "fold-more": () => this.foldBy(true),
      "fold-less": () => this.foldBy(false),
      leaves: () => this.showLeaves(leavesHidden),
    };
    for (const [id, action] of Object.entries(clicks)) byId(id).addEventListener("click", action);
    byId("slider").addEventListener("input", (event) => this.go(Number(event.target.value)));
    document.addEventListener("keydown", (event) => this.key(event));
    for (const name of ["pointerover", "focusin"]) {
      panel.addEventListener(name, (event) => {
        const cell = event.target.closest("td[data-k]");
        if (cell) trace(cell);
      });
    }
    panel.addEventListener("pointerleave", clearTrace);
    new ResizeObserver(() => {
      this.graph.measure();
      this.graph.settle(seenAs(timeline[this.time].n ?? 0));
    }).observe(byId("graph"));
    this.listenToSearch();
  },

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("help-text").open) return;
    const typing = event.target.matches("input[type=search]");
    if (typing) return;
    const inGrid = event.target.closest("[role=grid]");
    if (inGrid && event.key.startsWith("Arrow")) {
      moveInGrid(event.target, event.key);
      event.preventDefault();
      return;
    }
    const onButton = event.target.matches("button, summary") && [" ", "Enter"].includes(event.key);
    if (onButton || (event.target.id === "slider" && /^(Arrow|Home|End|Page)/.test(event.key))) return;
    const actions = {
      ArrowRight: () => this.go(this.time + 1),
      ArrowLeft: () => this.go(this.time - 1),
      Home: () => this.go(0),
      End: () => this.go(timeline.length - 1),
      " ": () => this.play(),
      b: () => this.go(seedTime),
      t: () => this.switchTheme(),
      f: () => this.fold(timeline[this.time].n === undefined ? undefined : seenAs(timeline[this.time].n)),
      "]": () => this.foldBy(true),
      "[": () => this.foldBy(false),
      "+": () => this.graph.zoom(1.25),
      "=": () => this.graph.zoom(1.25),
      "-": () => this.graph.zoom(0.8),
      0: () => this.graph.fit(),
      "/": () => byId("search").focus(),
      "?": () => byId("help-text").showModal(),
    };
    const action = actions[event.key] || actions[event.key.toLowerCase()];
    if (!action) return;
    action();
    event.preventDefault();
  },

  switchTheme() {
    const isDark = getComputedStyle(document.documentElement).colorScheme.includes("dark");
    document.documentElement.dataset.theme = isDark ? "light" : "dark";
  },

  // ------------------------------------------------------------------------------------ search

  listenToSearch() {
    const input = byId("search");
    const results = byId("results");
    const close = () => {
      results.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const options = () => [...results.querySelectorAll("[role=option]")];
    const choose = (option) => {
      close();
      input.value = "";
      this.choose(Number(option.dataset.n));
      panel.focus(); // so that the arrow keys step on from there
    };
    input.addEventListener("input", () => {
      results.replaceChildren(...found(input.value));
      results.hidden = !input.value;
      input.setAttribute("aria-expanded", String(!results.hidden));
      input.removeAttribute("aria-activedescendant");
    });
    input.addEventListener("keydown", (event) => {
      const active = options().findIndex((option) => option.ariaSelected === "true");
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        const next = options()[(active + step + options().length) % options().length];
        for (const option of options()) option.ariaSelected = String(option === next);
        if (next) input.setAttribute("aria-activedescendant", next.id);
        event.preventDefault();
      } else if (event.key === "Enter" && options().length) {
        choose(options()[Math.max(active, 0)]);
        event.preventDefault();
      } else if (event.key === "Escape") {
        input.value = "";
        close();
        input.blur();
      }
    });
    results.addEventListener("pointerdown", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) choose(option);
      event.preventDefault();
    });
    input.addEventListener("blur", close);
  },
};

/** The nodes whose name, operation or line of code has the words. */
function found(query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = record.nodes
    .map((node, n) => ({
      n,
      node,
      text: `${node.n} ${node.f || node.k} ${node.o || ""} ${lineOf(node)?.text || ""}`.toLowerCase(),
    }))
    .filter(({ text }) => words.length && words.every((word) => text.includes(word)));
  const shown = matches
    .slice(0, 12)
    .map(({ n, node }) =>
      element(
        "li",
        { role: "option", id: `found-${n}`, "data-n": n, "aria-selected": "false" },
        element("b", {}, node.n),
        element("span", {}, node.f || node.k),
      ),
    );
  if (matches.length > shown.length)
    shown.push(element("li", { class: "more" }, `and ${matches.length - shown.length} more`));
  return shown.length ? shown : [element("li", { class: "more" }, "no node has that name, operation or line")];
}

/** Move the focus within an array. */
function moveInGrid(cell, key) {
  const line = cell.closest("tr");
  const cells = [...line.querySelectorAll("td[data-k]")];
  const lines = [...cell.closest("tbody").querySelectorAll("tr")].filter((other) => other.querySelector("td[data-k]"));
  const column = cells.indexOf(cell);
  const row = lines.indexOf(line);
  const next = {
    ArrowLeft: () => cells[column - 1],
    ArrowRight: () => cells[column + 1],
    ArrowUp: () => lines[row - 1]?.querySelectorAll("td[data-k]")[column],
    ArrowDown: () => lines[row + 1]?.querySelectorAll("td[data-k]")[column],
  }[key]();
  if (!next) return;
  cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

app.start();
