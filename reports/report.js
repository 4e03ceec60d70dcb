"use strict";

(() => {
  const UNDEFINED = "–";
  const NUMERIC = new Set(["percent", "number", "count", "money", "price"]);
  const SIGNED = new Set(["percent", "money"]);
  const SEARCHED = new Set(["text", "prose", "code", "link", "date", "instant", "side"]);
  const PAGES = [25, 100, 500];
  const FEW = 8; // rows that need no search

  // ------------------------------------------------------------------------------------------- formats

  const fixed = (digits) =>
    new Intl.NumberFormat("en-US", {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
      signDisplay: "negative",
    });
  const plain = [0, 1, 2, 3, 4].map(fixed);
  const significant = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 6 });
  const minus = (text) => text.replace("-", "−");

  const instant = (seconds) => {
    const text = new Date(seconds * 1000).toISOString();
    return text.slice(0, 10) + " " + text.slice(11, seconds % 60 ? 19 : 16);
  };

  const formats = {
    percent: (value) => minus(plain[2].format(100 * value)) + "\u00a0%",
    number: (value) => minus(plain[2].format(value)),
    count: (value) => minus(plain[0].format(value)),
    money: (value, digits) => minus(plain[digits].format(value)),
    price: (value) => minus((Math.abs(value) < 1e5 ? significant : plain[0]).format(value)),
    instant,
    side: (value) => (value > 0 ? "long" : "short"),
    flag: (value) => (value ? "yes" : "no"),
  };

  const show = (value, kind, digits) => {
    if (value === null) return UNDEFINED;
    return formats[kind] ? formats[kind](value, digits) : String(value);
  };

  // ------------------------------------------------------------------------------------------ elements

  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (value === true) element.setAttribute(key, "");
      else if (value !== false && value !== undefined) element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  };

  const KINDS = { prose: "prose", code: "code word", link: "link", text: "word", flag: "word", side: "word" };

  const fill = (value, column, digits) => {
    const text = show(value, column.kind, digits);
    if (value === null) return make("span", { title: "undefined" }, text);
    if (column.kind === "link" && /^https?:\/\//i.test(text)) {
      const where = { href: text, title: text, rel: "noopener noreferrer", target: "_blank" };
      return make("a", where, text.replace(/^https?:\/\/(www\.)?/i, "").split("/")[0]);
    }
    return text;
  };

  const cell = (value, column, digits) => {
    const numeric = NUMERIC.has(column.kind);
    const below = SIGNED.has(column.kind) && value !== null && value < 0 ? " negative" : "";
    const kind = numeric ? "numeric" + below : KINDS[column.kind] ?? "word";
    const dir = column.kind === "prose" ? "auto" : undefined;
    const title = column.kind === "link" && value ? String(value) : undefined;
    return make("td", { class: kind, dir, title }, fill(value, column, digits));
  };

  const heading = (column, ...children) =>
    make(
      "th",
      { scope: "col", title: column.note || undefined, class: NUMERIC.has(column.kind) ? "numeric" : undefined },
      ...children
    );

  // ---------------------------------------------------------------------------------------- long tables

  const collator = new Intl.Collator("en", { numeric: true });

  const GRAVITY = ["error", "warning", "info"];

  const order = (left, right) => {
    if (GRAVITY.includes(left) && GRAVITY.includes(right)) return GRAVITY.indexOf(left) - GRAVITY.indexOf(right);
    if (typeof left === "string") return collator.compare(left, right);
    return left - right;
  };

  // A text stands once in the file; a row gives its place.
  const decode = (texts, rows) => {
    for (const [place, words] of Object.entries(texts)) {
      for (const row of rows) row[place] = words[row[place]];
    }
  };

  class LongTable {
    constructor(root) {
      this.spec = JSON.parse(root.querySelector("script").textContent);
      decode(this.spec.texts, this.spec.rows);
      if (this.spec.detail) decode(this.spec.detail.texts, Object.values(this.spec.detail.rows).flat());
      this.table = root.querySelector("table");
      this.all = this.spec.rows.map((_, place) => place);
      this.found = this.all;
      this.opened = new Set();
      this.page = 0;
      this.size = PAGES[0];
      this.sorted = this.spec.columns.findIndex((column) => column.key === this.spec.sort);
      this.descending = false;
      this.buildTools(root);
      this.buildHead();
      this.body = this.table.createTBody();
      this.buildPager(root);
      this.arrange();
    }

    buildTools(root) {
      this.status = make("output", { "aria-live": "polite" });
      const input = make("input", { type: "search", autocomplete: "off", spellcheck: "false" });
      input.addEventListener("input", () => this.search(input.value));
      const label = make("label", {}, `Search ${this.spec.noun}`, input);
      const hint = make("span", { class: "hint" }, "Press a heading to sort.");
      root.prepend(make("div", { class: "tools", hidden: this.all.length <= FEW }, label, this.status, hint));
    }

    buildHead() {
      const row = this.table.createTHead().insertRow();
      if (this.spec.detail) row.append(make("td", {}));
      this.heads = this.spec.columns.map((column, place) =>
        heading(column, make("button", { type: "button", title: column.note || undefined, onclick: () => this.sort(place) }, column.label))
      );
      row.append(...this.heads);
    }

    buildPager(root) {
      const step = (label, to) => make("button", { type: "button", onclick: () => this.turn(to()) }, label);
      this.back = step("Previous", () => this.page - 1);
      this.next = step("Next", () => this.page + 1);
      this.where = make("span");
      const sizes = make("select", {}, ...PAGES.map((size) => make("option", { value: size }, String(size))));
      sizes.addEventListener("change", () => {
        this.size = Number(sizes.value);
        this.turn(0);
      });
      const label = make("label", {}, "Rows ", sizes);
      this.pager = make("nav", { class: "pager", "aria-label": `Pages of ${this.spec.noun}` });
      this.pager.append(this.where, label, this.back, this.next);
      this.pager.hidden = this.all.length <= PAGES[0];
      root.querySelector(".scroll").after(this.pager);
    }

    haystack() {
      const { columns, rows } = this.spec;
      const places = columns.map((column, place) => (SEARCHED.has(column.kind) ? place : -1)).filter((at) => at >= 0);
      this.texts ??= rows.map((row) =>
        places.map((at) => (row[at] === null ? "" : show(row[at], columns[at].kind)))
          .join("\n")
          .toLowerCase()
      );
      return this.texts;
    }

    search(query) {
      const terms = query.toLowerCase().split(/\s+/).filter(Boolean);
      const texts = terms.length ? this.haystack() : [];
      this.found = terms.length ? this.all.filter((row) => terms.every((term) => texts[row].includes(term))) : this.all;
      this.arrange();
    }

    sort(place) {
      this.descending = this.sorted === place && !this.descending;
      this.sorted = place;
      this.arrange();
    }

    arrange() {
      const { rows } = this.spec;
      const at = this.sorted;
      const sign = this.descending ? -1 : 1;
      const known = (row) => at < 0 || rows[row][at] !== null;
      const shown = this.found.filter(known);
      if (at >= 0) shown.sort((left, right) => sign * order(rows[left][at], rows[right][at]));
      this.rows = shown.concat(this.found.filter((row) => !known(row)));
      this.heads.forEach((head, place) => {
        if (place === at) head.setAttribute("aria-sort", this.descending ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      });
      this.turn(0);
    }

    turn(page) {
      this.page = page;
      const first = page * this.size;
      const last = Math.min(first + this.size, this.rows.length);
      this.body.replaceChildren(...this.rows.slice(first, last).flatMap((row) => this.build(row)));
      if (!this.rows.length) this.body.append(this.nothing());
      const count = (value) => plain[0].format(value);
      const part = this.found.length < this.all.length ? ` of ${count(this.all.length)}` : "";
      this.status.textContent = `${count(this.found.length)}${part} ${this.spec.noun}`;
      this.where.textContent = this.rows.length ? `Rows ${count(first + 1)} to ${count(last)} of ${count(this.rows.length)}` : "";
      this.back.disabled = page === 0;
      this.next.disabled = last >= this.rows.length;
    }

    width() {
      return this.spec.columns.length + (this.spec.detail ? 1 : 0);
    }

    nothing() {
      return make("tr", {}, make("td", { class: "empty", colspan: this.width() }, "Nothing matches the search."));
    }

    build(row) {
      const { columns, rows, digits, detail } = this.spec;
      const cells = columns.map((column, at) => cell(rows[row][at], column, digits));
      const shown = make("tr", {}, ...cells);
      if (!detail) return [shown];
      const open = this.opened.has(row);
      const toggle = make("button", {
        type: "button",
        class: "open",
        "aria-expanded": String(open),
        "aria-label": `Signals and trades of event ${this.keyOf(row)}`,
      });
      toggle.textContent = open ? "▾" : "▸";
      toggle.addEventListener("click", () => this.toggle(row, toggle));
      shown.prepend(make("td", {}, toggle));
      return open ? [shown, this.detail(row)] : [shown];
    }

    toggle(row, button) {
      const open = !this.opened.delete(row);
      if (open) this.opened.add(row);
      button.setAttribute("aria-expanded", String(open));
      button.textContent = open ? "▾" : "▸";
      const shown = button.closest("tr");
      if (open) shown.after(this.detail(row));
      else shown.nextElementSibling.remove();
    }

    keyOf(row) {
      const { columns, rows, detail } = this.spec;
      return rows[row][columns.findIndex((column) => column.key === detail.key)];
    }

    detail(row) {
      const { detail } = this.spec;
      const rows = Object.hasOwn(detail.rows, this.keyOf(row)) ? detail.rows[this.keyOf(row)] : [];
      const content = rows.length ? this.inner(rows) : make("p", { class: "note" }, "The event gave no signal.");
      return make("tr", { class: "detail" }, make("td", { colspan: this.width() }, content));
    }

    inner(rows) {
      const { detail, digits } = this.spec;
      const head = make("thead", {}, make("tr", {}, ...detail.columns.map((column) => heading(column, column.label))));
      const body = make("tbody");
      for (const row of rows) body.append(make("tr", {}, ...detail.columns.map((column, at) => cell(row[at], column, digits))));
      const table = make("table", {}, make("caption", {}, make("span", {}, detail.caption)), head, body);
      return make("div", { class: "inner", tabindex: 0, role: "region", "aria-label": detail.caption }, table);
    }
  }

  // ------------------------------------------------------------------------------------------- figures

  const palette = JSON.parse(document.getElementById("palette").textContent);
  const darkness = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse)");
  const figures = [...document.querySelectorAll("figure.drawing")];

  const recolour = (value) => {
    if (typeof value === "string") return palette[value] ?? value;
    if (Array.isArray(value)) return value.map(recolour);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, recolour(inner)]));
    }
    return value;
  };

  const draw = (figure, dark) => {
    const plot = figure.querySelector(".plot");
    const spec = JSON.parse(figure.querySelector("script").textContent);
    const { data, layout } = dark ? recolour(spec) : spec;
    layout.font.family = getComputedStyle(document.querySelector("figcaption")).fontFamily;
    if (plot.clientWidth < 520) {
      layout.title.font.size = 12.5;
      layout.margin.l = 48;
    }
    if (touch.matches) layout.dragmode = false;
    return Plotly.react(plot, data, layout, { responsive: true, displayModeBar: false });
  };

  const drawAll = (dark) => figures.forEach((figure) => draw(figure, dark));

  // One figure a frame: the page stays usable while many are drawn.
  const drawNext = (place) => {
    if (place >= figures.length) return;
    draw(figures[place], darkness.matches);
    setTimeout(drawNext, 0, place + 1);
  };

  for (const root of document.querySelectorAll(".grid")) {
    if (root.querySelector("script")) new LongTable(root);
  }
  drawNext(0);
  darkness.addEventListener("change", () => drawAll(darkness.matches));

  // ------------------------------------------------------------------------------------------ printing

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((details) => (details.open = true));
    if (darkness.matches) drawAll(false);
  });
  addEventListener("afterprint", () => {
    closed.forEach((details) => (details.open = false));
    if (darkness.matches) drawAll(true);
  });
})();
