// Draws a network that the server has laid out: pan, zoom, hover; click expands; two chosen subjects show their way.
// Everything the mouse can do, the list beside the picture can do as well.
"use strict";

(() => {
  const SIZES = { money: 5, device: 5, phone: 5 };
  const REACH = 12; // pixels around a node within which the mouse is on it
  const MANY = 500; // nodes that are drawn as points without dashes while the picture moves
  const MOST = 2_000; // nodes that the server gives at once
  const STILL = 150; // ms after which it is drawn in full again

  const short = (token) => `${token.slice(0, 9)}…${token.slice(-4)}`;

  class Network {
    constructor(root) {
      this.root = root;
      this.center = root.dataset.network;
      this.canvas = root.querySelector("canvas");
      this.screen = this.canvas.getContext("2d");
      this.picture = document.createElement("canvas"); // without what the mouse is on, which changes far more often
      this.pen = this.picture.getContext("2d");
      this.list = root.querySelector(".network-list");
      this.nodes = [];
      this.edges = [];
      this.places = new Map();
      this.chosen = [];
      this.way = new Set();
      this.view = { x: 0, y: 0, scale: 1 };
      this.waiting = false;
      root.hidden = false;
      this.listen();
      this.fit();
      this.load(2, 200);
    }

    // -- data ---------------------------------------------------------------------------------------------------------

    async ask(address) {
      const answer = await fetch(address, { credentials: "same-origin" });
      if (!answer.ok) {
        (answer.status === 401 ? sessionOver : failed)();
        throw new Error(String(answer.status));
      }
      return answer.json();
    }

    async load(hops, most) {
      const found = await this.ask(`/api/subjects/${this.center}/network?hops=${hops}&most=${most}`);
      [this.nodes, this.edges, this.chosen, this.hovered] = [[], [], [], -1];
      this.offer();
      this.places.clear();
      this.way.clear();
      this.merge(found, { x: 0, y: 0, size: 1 });
      this.whole();
    }

    async more() {
      await this.load(4, MOST);
      this.root.querySelector("[data-do=more]").hidden = true;
    }

    // What comes in around a subject is put where that subject stands, smaller.
    merge(found, at) {
      const numbers = found.nodes.map((node) => {
        if (!this.places.has(node.token)) {
          this.places.set(node.token, this.nodes.length);
          this.nodes.push({ ...node, x: at.x + node.x * at.size, y: at.y + node.y * at.size });
        }
        return this.places.get(node.token);
      });
      const known = new Set(this.edges.map((edge) => `${edge.source} ${edge.target} ${edge.kind}`));
      for (const edge of found.edges) {
        const moved = { ...edge, source: numbers[edge.source], target: numbers[edge.target] };
        if (!known.has(`${moved.source} ${moved.target} ${moved.kind}`)) this.edges.push(moved);
      }
      if (found.cut) this.root.querySelector("[data-cut]").hidden = false;
      this.write();
      this.redraw();
      return numbers;
    }

    async expand() {
      const node = this.nodes[this.chosen[0]];
      const found = await this.ask(`/api/subjects/${node.token}/network?hops=1&most=60`);
      this.merge(found, { x: node.x, y: node.y, size: 0.35 });
    }

    async findWay() {
      const [one, other] = this.chosen.map((number) => this.nodes[number].token);
      const query = new URLSearchParams({ from: one, to: other });
      const found = await this.ask(`/api/paths?${query}`);
      this.root.querySelector("[data-said]").textContent = found.found ? "" : this.root.dataset.none;
      const numbers = this.merge(found.network, { x: 0, y: 1.1, size: 0.8 });
      this.way = new Set(numbers);
      this.redraw();
    }

    // -- the list -----------------------------------------------------------------------------------------------------

    write() {
      const lines = this.nodes.map((node, number) => {
        const line = document.createElement("li");
        const choose = document.createElement("button");
        choose.type = "button";
        choose.textContent = `${short(node.token)}${node.alerts ? ` ▲${node.alerts}` : ""}`;
        choose.title = node.token;
        choose.setAttribute("aria-pressed", String(this.chosen.includes(number)));
        choose.addEventListener("click", () => this.choose(number));
        const open = document.createElement("a");
        open.href = `/subjects/${node.token}`;
        open.textContent = "→";
        open.setAttribute("aria-label", `${this.root.dataset.open} ${choose.textContent}`);
        line.append(choose, open);
        return line;
      });
      this.list.replaceChildren(...lines);
    }

    choose(number) {
      if (this.chosen.includes(number)) this.chosen = this.chosen.filter((each) => each !== number);
      else this.chosen = [...this.chosen, number].slice(-2);
      [...this.list.children].forEach((line, at) => {
        line.firstChild.setAttribute("aria-pressed", String(this.chosen.includes(at)));
      });
      this.offer();
      this.redraw();
    }

    // What can be done with so many chosen.
    offer() {
      this.root.querySelector("[data-do=expand]").disabled = this.chosen.length !== 1;
      this.root.querySelector("[data-do=way]").disabled = this.chosen.length !== 2;
    }

    // -- the view -----------------------------------------------------------------------------------------------------

    // A canvas that is given a size is empty: it is drawn at once, or a page that is printed or pictured misses it.
    fit() {
      this.ratio = devicePixelRatio || 1;
      for (const each of [this.canvas, this.picture]) {
        each.width = this.canvas.clientWidth * this.ratio;
        each.height = this.canvas.clientHeight * this.ratio;
      }
      this.stale = true;
      this.draw();
    }

    whole() {
      const across = this.nodes.map((node) => node.x);
      const down = this.nodes.map((node) => node.y);
      const [left, right, top, bottom] = [Math.min(...across), Math.max(...across), Math.min(...down), Math.max(...down)];
      this.view.x = (left + right) / 2;
      this.view.y = (top + bottom) / 2;
      this.view.scale = 0.45 * Math.min(this.canvas.clientWidth, this.canvas.clientHeight) * 2
        / Math.max(right - left, bottom - top, 0.2);
      this.redraw();
    }

    zoom(by, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
      const [before, after] = [this.back(x, y), () => this.back(x, y)];
      this.view.scale = Math.min(Math.max(this.view.scale * by, 20), 20_000);
      const moved = after();
      this.view.x += before.x - moved.x;
      this.view.y += before.y - moved.y;
      this.move();
    }

    back(x, y) {
      return {
        x: (x - this.canvas.clientWidth / 2) / this.view.scale + this.view.x,
        y: (y - this.canvas.clientHeight / 2) / this.view.scale + this.view.y,
      };
    }

    at(x, y) {
      const point = this.back(x, y);
      let best = -1;
      let nearest = (REACH / this.view.scale) ** 2;
      this.nodes.forEach((node, number) => {
        const distance = (node.x - point.x) ** 2 + (node.y - point.y) ** 2;
        if (distance < nearest) [best, nearest] = [number, distance];
      });
      return best;
    }

    // -- drawing: one path for all edges of a kind, so that thousands cost what a few do ------------------------------------

    // While it moves, a large network is drawn coarsely, so that it does not stutter.
    move() {
      clearTimeout(this.resting);
      this.coarse = this.nodes.length > MANY;
      if (this.coarse) this.resting = setTimeout(() => { this.coarse = false; this.redraw(); }, STILL);
      this.redraw();
    }

    redraw() {
      this.stale = true;
      this.show();
    }

    show() {
      if (this.waiting) return;
      this.waiting = true;
      requestAnimationFrame(() => { this.waiting = false; this.draw(); });
    }

    draw() {
      const style = getComputedStyle(document.documentElement);
      const colour = (name) => style.getPropertyValue(name);
      if (this.stale) this.paint(colour);
      this.stale = false;
      const { screen, view, ratio } = this;
      screen.setTransform(1, 0, 0, 1, 0, 0);
      screen.clearRect(0, 0, this.canvas.width, this.canvas.height);
      // A browser that gives the canvas no place gives it no size, and nothing can be copied from that.
      if (this.picture.width && this.picture.height) screen.drawImage(this.picture, 0, 0);
      const named = this.nodes[this.hovered];
      if (!named) return;
      screen.setTransform(ratio, 0, 0, ratio, this.canvas.width / 2, this.canvas.height / 2);
      const [x, y] = [(named.x - view.x) * view.scale, (named.y - view.y) * view.scale];
      screen.beginPath();
      screen.arc(x, y, 10, 0, 7);
      screen.strokeStyle = colour("--focus");
      screen.lineWidth = 2;
      screen.stroke();
      this.label(`${short(named.token)}${named.alerts ? `, ${this.root.dataset.alerts}: ${named.alerts}` : ""}`, x, y, colour);
    }

    // On a ground of its own, so that it can be read among lines, and not beyond the edge.
    label(text, x, y, colour) {
      const { screen } = this;
      screen.font = "12px sans-serif";
      const width = screen.measureText(text).width + 8;
      const left = Math.min(x + 12, this.canvas.clientWidth / 2 - width);
      screen.fillStyle = colour("--surface");
      screen.fillRect(left, y - 30, width, 18);
      screen.fillStyle = colour("--text");
      screen.fillText(text, left + 4, y - 17);
    }

    paint(colour) {
      const { pen, view, ratio } = this;
      pen.setTransform(1, 0, 0, 1, 0, 0);
      pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
      pen.setTransform(ratio, 0, 0, ratio, this.canvas.width / 2, this.canvas.height / 2);
      const x = (node) => (node.x - view.x) * view.scale;
      const y = (node) => (node.y - view.y) * view.scale;
      pen.lineWidth = 1;
      this.lines((edge) => edge.kind === "money", colour("--line-strong"), [], x, y);
      this.lines((edge) => edge.kind !== "money", colour("--series-3"), [4, 3], x, y);
      pen.lineWidth = 3;
      this.lines((edge) => this.way.has(edge.source) && this.way.has(edge.target), colour("--series-2"), [], x, y);
      this.dots((node) => node.found_by === "money" && node.hop > 0, colour("--series-1"), x, y);
      this.dots((node) => node.found_by !== "money" && node.hop > 0, colour("--series-3"), x, y);
      this.dots((node) => node.hop === 0, colour("--series-2"), x, y);
      if (!this.coarse) this.rings((node) => node.alerts > 0, colour("--critical"), 2, x, y);
      this.rings((_, number) => this.chosen.includes(number), colour("--focus"), 5, x, y);
    }

    lines(wanted, colour, dashes, x, y) {
      const { pen } = this;
      pen.beginPath();
      for (const edge of this.edges) {
        if (!wanted(edge)) continue;
        const [from, to] = [this.nodes[edge.source], this.nodes[edge.target]];
        pen.moveTo(x(from), y(from));
        pen.lineTo(x(to), y(to));
      }
      pen.strokeStyle = colour;
      pen.setLineDash(this.coarse ? [] : dashes);
      pen.stroke();
      pen.setLineDash([]);
    }

    dots(wanted, colour, x, y) {
      const { pen } = this;
      pen.beginPath();
      for (const node of this.nodes) {
        if (!wanted(node)) continue;
        const size = SIZES[node.found_by];
        if (this.coarse || node.kind === "device" || node.kind === "phone") pen.rect(x(node) - size, y(node) - size, 2 * size, 2 * size);
        else {
          pen.moveTo(x(node) + size, y(node));
          pen.arc(x(node), y(node), size, 0, 7);
        }
      }
      pen.fillStyle = colour;
      pen.fill();
    }

    rings(wanted, colour, gap, x, y) {
      const { pen } = this;
      pen.beginPath();
      this.nodes.forEach((node, number) => {
        if (!wanted(node, number)) return;
        pen.moveTo(x(node) + 5 + gap, y(node));
        pen.arc(x(node), y(node), 5 + gap, 0, 7);
      });
      pen.strokeStyle = colour;
      pen.lineWidth = 2;
      pen.stroke();
    }

    // -- mouse, keys, buttons ----------------------------------------------------------------------------------------------

    listen() {
      let from = null;
      let moved = false;
      const { canvas } = this;
      canvas.addEventListener("pointerdown", (event) => {
        from = { x: event.offsetX, y: event.offsetY };
        moved = false;
        canvas.setPointerCapture(event.pointerId);
      });
      canvas.addEventListener("pointermove", (event) => {
        if (from === null) {
          const hovered = this.at(event.offsetX, event.offsetY);
          if (hovered !== this.hovered) { this.hovered = hovered; this.show(); }
          return;
        }
        const [across, down] = [event.offsetX - from.x, event.offsetY - from.y];
        if (Math.abs(across) + Math.abs(down) > 3) moved = true;
        if (!moved) return;
        this.view.x -= across / this.view.scale;
        this.view.y -= down / this.view.scale;
        from = { x: event.offsetX, y: event.offsetY };
        this.move();
      });
      canvas.addEventListener("pointerup", (event) => {
        from = null;
        const number = moved ? -1 : this.at(event.offsetX, event.offsetY);
        if (number < 0) return;
        const alone = !event.shiftKey && !event.ctrlKey;
        if (alone && !this.chosen.includes(number)) this.chosen = [];
        this.choose(number);
        if (alone && this.chosen.length === 1) this.run("expand");
      });
      canvas.addEventListener("wheel", (event) => {
        event.preventDefault();
        this.zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
      }, { passive: false });
      canvas.addEventListener("keydown", (event) => this.key(event));
      this.root.querySelectorAll("[data-do]").forEach((button) => {
        button.addEventListener("click", () => this.run(button.dataset.do));
      });
      new ResizeObserver(() => this.fit()).observe(canvas);
    }

    key(event) {
      const step = 40 / this.view.scale;
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      if (moves[event.key]) {
        this.view.x += moves[event.key][0];
        this.view.y += moves[event.key][1];
        this.move();
      } else if (event.key === "+") this.zoom(1.3);
      else if (event.key === "-") this.zoom(1 / 1.3);
      else return;
      event.preventDefault();
      event.stopPropagation();
    }

    async run(name) {
      const does = {
        closer: () => this.zoom(1.3),
        farther: () => this.zoom(1 / 1.3),
        whole: () => this.whole(),
        expand: () => this.expand(),
        more: () => this.more(),
        way: () => this.findWay(),
      };
      try {
        await does[name]();
      } catch {
        this.root.querySelector("[data-said]").textContent = document.getElementById("words").dataset.failed;
      }
    }
  }

  document.querySelectorAll("[data-network]").forEach((root) => new Network(root));
})();
