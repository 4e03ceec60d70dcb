"use strict";

(() => {
  const UNDEFINED = "n/a";
  const NUMERIC = new Set(["percent", "depth", "number", "count", "money", "price", "level"]);
  const SIGNED = new Set(["percent", "money"]);
  const SEARCHED = new Set(["text", "prose", "code", "event", "link", "date", "instant", "local", "side"]);
  const PAGES = [10, 25, 100, 500];
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
  const exact = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 10, useGrouping: false });
  const minus = (text) => text.replace("-", "−");

  const instant = (seconds) => {
    const text = new Date(seconds * 1000).toISOString();
    return text.slice(0, 10) + " " + text.slice(11, seconds % 60 ? 19 : 16);
  };

  // Swedes write dates as ISO 8601 does.
  const clocks = new Map();
  const clock = (zone) => {
    if (!clocks.has(zone)) {
      const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
      clocks.set(zone, new Intl.DateTimeFormat("sv-SE", { timeZone: zone, hour12: false, ...parts }));
    }
    return clocks.get(zone);
  };
  const local = (seconds, zone) => clock(zone ?? "UTC").format(seconds * 1000);

  const formats = {
    percent: (value) => minus(plain[2].format(100 * value)) + "\u00a0%",
    number: (value) => minus(plain[2].format(value)),
    count: (value) => minus(plain[0].format(value)),
    money: (value, digits) => minus(plain[digits].format(value)),
    price: (value) => minus((Math.abs(value) < 1e5 ? significant : plain[0]).format(value)),
    level: (value) => minus(exact.format(value)),
    instant,
    side: (value) => (value > 0 ? "long" : "short"),
    flag: (value) => (value ? "yes" : "no"),
  };

  const show = (value, kind, digits) => {
    if (value === null || value === undefined) return kind === "level" ? "off" : UNDEFINED;
    return formats[kind] ? formats[kind](value, digits) : String(value);
  };

  // ------------------------------------------------------------------------------------------ elements

  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (key === "style") Object.assign(element.style, value);
      else if (value === true) element.setAttribute(key, "");
      else if (value !== false && value !== undefined) element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  };

  const shape = (name, attributes, title) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (title) {
      const told = document.createElementNS("http://www.w3.org/2000/svg", "title");
      told.textContent = title;
      element.append(told);
    }
    return element;
  };

  const KINDS = { prose: "prose", code: "code word", event: "code word", link: "link" };

  const anchor = (text) =>
    make(
      "a",
      { href: text, title: text, rel: "noopener noreferrer", target: "_blank" },
      text.replace(/^https?:\/\/(www\.)?/i, "").split("/")[0]
    );
  const isLink = (text) => /^https?:\/\//i.test(text);

  const fill = (value, column, digits, open) => {
    const text = show(value, column.kind, digits);
    if ((value === null || value === undefined) && column.kind !== "level") return make("span", { title: "undefined" }, text);
    if (column.kind === "link" && isLink(text)) return anchor(text);
    if (column.kind === "event") return make("button", { type: "button", class: "event", onclick: () => open(text) }, text);
    return text;
  };

  const cell = (value, column, digits, zone, open) => {
    const numeric = NUMERIC.has(column.kind);
    const below = SIGNED.has(column.kind) && value !== null && value < 0 ? " negative" : "";
    const kind = numeric ? "numeric" + below : KINDS[column.kind] ?? "word";
    const dir = column.kind === "prose" ? "auto" : undefined;
    if (column.kind === "local" && value !== null) {
      return make("td", { class: kind, title: `${instant(value)} UTC` }, local(value, zone));
    }
    const title = column.kind === "link" && value ? String(value) : undefined;
    return make("td", { class: kind, dir, title }, fill(value, column, digits, open));
  };

  const heading = (column, ...children) =>
    make(
      "th",
      { scope: "col", title: column.note || undefined, class: NUMERIC.has(column.kind) ? "numeric" : undefined },
      ...children
    );

  // ------------------------------------------------------------------------------------------- payload

  const unpack = async (script) => {
    const text = atob(script.textContent.trim());
    const bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };

  // A text stands once in the file; a column gives its place.
  const decode = (texts, values) => {
    for (const [place, words] of Object.entries(texts)) values[place] = values[place].map((at) => words[at]);
  };
  const valuesOf = (part) => {
    for (const column of Object.values(part)) {
      if (column.texts) column.values = column.values.map((at) => column.texts[at]);
    }
    return Object.fromEntries(Object.entries(part).map(([key, column]) => [key, column.values]));
  };

  // ---------------------------------------------------------------------------------------- long tables

  const collator = new Intl.Collator("en", { numeric: true });

  const GRAVITY = ["error", "warning", "info"];

  const order = (left, right) => {
    if (GRAVITY.includes(left) && GRAVITY.includes(right)) return GRAVITY.indexOf(left) - GRAVITY.indexOf(right);
    if (typeof left === "string") return collator.compare(left, right);
    return left - right;
  };

  class LongTable {
    constructor(root, spec, drill) {
      this.spec = spec;
      this.drill = drill;
      decode(spec.texts, spec.values);
      this.table = root.querySelector("table");
      this.all = (spec.values[0] ?? []).map((_, place) => place);
      this.found = this.all;
      this.opened = new Set();
      this.page = 0;
      this.size = spec.page;
      this.sorted = spec.columns.findIndex((column) => column.key === spec.sort);
      this.venues = spec.values[spec.columns.findIndex((column) => column.key === "venue")];
      this.descending = false;
      this.buildTools(root);
      this.buildHead();
      this.body = this.table.createTBody();
      this.buildPager(root);
      this.arrange();
    }

    zone(row) {
      return this.venues && this.spec.zones[this.venues[row]];
    }

    buildTools(root) {
      this.status = make("output", { "aria-live": "polite" });
      this.input = make("input", { type: "search", autocomplete: "off", spellcheck: "false" });
      this.input.addEventListener("input", () => this.search(this.input.value));
      const label = make("label", {}, `Search ${this.spec.noun}`, this.input);
      const hint = make("span", { class: "hint" }, "Press a heading to sort.");
      root.prepend(make("div", { class: "tools", hidden: this.all.length <= FEW }, label, this.status, hint));
    }

    buildHead() {
      const row = this.table.createTHead().insertRow();
      if (this.spec.opens) row.append(make("td", {}));
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
      const sizes = make("select", {}, ...PAGES.map((size) => make("option", { value: size, selected: size === this.size }, String(size))));
      sizes.addEventListener("change", () => {
        this.size = Number(sizes.value);
        this.turn(0);
      });
      const label = make("label", {}, "Rows ", sizes);
      this.pager = make("nav", { class: "pager", "aria-label": `Pages of ${this.spec.noun}` });
      this.pager.append(this.where, label, this.back, this.next);
      this.pager.hidden = this.all.length <= this.size;
      root.querySelector(".scroll").after(this.pager);
    }

    haystack() {
      const { columns, values } = this.spec;
      const places = columns.map((column, place) => (SEARCHED.has(column.kind) ? place : -1)).filter((at) => at >= 0);
      const text = (row, at) => {
        const value = values[at][row];
        if (value === null) return "";
        return columns[at].kind === "local" ? local(value, this.zone(row)) : show(value, columns[at].kind);
      };
      this.texts ??= this.all.map((row) => places.map((at) => text(row, at)).join("\n").toLowerCase());
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
      const column = this.spec.values[this.sorted];
      const sign = this.descending ? -1 : 1;
      const known = (row) => !column || column[row] !== null;
      const shown = this.found.filter(known);
      if (column) shown.sort((left, right) => sign * order(column[left], column[right]));
      this.rows = shown.concat(this.found.filter((row) => !known(row)));
      this.heads.forEach((head, place) => {
        if (place === this.sorted) head.setAttribute("aria-sort", this.descending ? "descending" : "ascending");
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
      return this.spec.columns.length + (this.spec.opens ? 1 : 0);
    }

    nothing() {
      return make("tr", {}, make("td", { class: "empty", colspan: this.width() }, "Nothing matches the search."));
    }

    build(row) {
      const { columns, values, digits, opens } = this.spec;
      const open = (event) => this.drill?.open(event);
      const cells = columns.map((column, at) => cell(values[at][row], column, digits, this.zone(row), open));
      const shown = make("tr", {}, ...cells);
      if (!opens) return [shown];
      const isOpen = this.opened.has(row);
      const toggle = make("button", {
        type: "button",
        class: "open",
        "aria-expanded": String(isOpen),
        "aria-label": `What is known of event ${this.keyOf(row)}`,
      });
      toggle.textContent = isOpen ? "▾" : "▸";
      toggle.addEventListener("click", () => this.toggle(row, toggle));
      shown.prepend(make("td", {}, toggle));
      return isOpen ? [shown, this.detail(row)] : [shown];
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
      const { columns, values } = this.spec;
      return values[columns.findIndex((column) => column.key === "event_id")][row];
    }

    detail(row) {
      const { columns, values } = this.spec;
      const headline = values[columns.findIndex((column) => column.key === "headline")][row];
      const content = this.drill ? this.drill.panel(this.keyOf(row), headline) : "";
      return make("tr", { class: "detail" }, make("td", { colspan: this.width() }, content));
    }

    // Find an event's row, open it and go there.
    reveal(event) {
      const row = this.all.find((place) => this.keyOf(place) === event);
      if (row === undefined) return;
      this.input.value = "";
      this.search("");
      this.opened.clear();
      this.opened.add(row);
      this.turn(Math.floor(this.rows.indexOf(row) / this.size));
      const button = this.body.querySelector("button.open[aria-expanded=true]");
      button.scrollIntoView({ block: "start" });
      button.focus({ preventScroll: true });
    }
  }

  // ------------------------------------------------------------------------------------------- an event

  class Drill {
    constructor(store, digits) {
      this.store = store;
      this.digits = digits;
      this.events = valuesOf(Object.fromEntries(Object.entries(store.events).filter(([key]) => key !== "id")));
      for (const part of ["signals", "trades", "ladder"]) this[part] = valuesOf(store[part]);
      this.place = new Map(store.events.id.map((id, at) => [id, at]));
      this.byEvent = new Map();
      this.bySymbol = new Map();
      this.signals.event_id.forEach((event, at) => {
        this.group(this.byEvent, event).push(at);
        this.group(this.bySymbol, this.signals.symbol[at]).push(at);
      });
    }

    group(groups, key) {
      if (!groups.has(key)) groups.set(key, []);
      return groups.get(key);
    }

    open(event) {
      this.table?.reveal(event);
    }

    mark(text) {
      return this.store.mark ? `${this.store.mark} · ${text}` : text;
    }

    panel(event, headline) {
      // Those that traded come first.
      const signals = [...(this.byEvent.get(event) ?? [])].sort((a, b) => (this.signals.trade[a] < 0) - (this.signals.trade[b] < 0));
      const root = make("div", { class: "drill" }, make("p", { class: "headline", dir: "auto" }, headline ?? "(no headline)"));
      root.append(this.facts(this.place.get(event)));
      if (!signals.length) {
        root.append(make("p", { class: "note" }, "The event gave no signal."));
        return root;
      }
      const place = make("div", { class: "picture", "aria-live": "polite" });
      const first = signals[0];
      root.append(place, this.list(signals, first, place), this.rungs(event));
      this.draw(place, first);
      return root;
    }

    facts(at) {
      const list = make("dl", { class: "known" });
      if (at === undefined) return list;
      for (const [key, [label, kind]] of Object.entries(this.store.labels)) {
        const value = this.events[key][at];
        if (value === null || value === "") continue;
        const text = show(value, kind, this.digits) + (kind === "instant" ? " UTC" : "");
        list.append(make("div", {}, make("dt", {}, label), make("dd", {}, kind === "link" && isLink(text) ? anchor(text) : text)));
      }
      return list;
    }

    list(signals, first, place) {
      const columns = [
        { label: "Symbol", kind: "code" },
        { label: "Side", kind: "side" },
        { label: "Net return", kind: "percent" },
        { label: "Net P&L", kind: "money" },
        { label: "Costs", kind: "money" },
        { label: "Session", kind: "date" },
        { label: "Entry fill", kind: "price" },
        { label: "Exit fill", kind: "price" },
        { label: "Exit by", kind: "text" },
        { label: "In headline", kind: "flag" },
        { label: "Outcome", kind: "text" },
        { label: "Which session and why", kind: "prose" },
      ];
      const trade = (key, at) => (at < 0 ? null : this.trades[key][at]);
      const body = make("tbody");
      const caption = this.mark("Signals of the event, with their trades");
      const choose = (at, button) => {
        body.querySelectorAll("[aria-pressed=true]").forEach((other) => other.setAttribute("aria-pressed", "false"));
        button.setAttribute("aria-pressed", "true");
        this.draw(place, at);
      };
      for (const at of signals) {
        const made = this.signals.trade[at];
        const button = make("button", { type: "button", class: "event", "aria-pressed": String(at === first) }, this.signals.symbol[at]);
        button.addEventListener("click", () => choose(at, button));
        const values = [
          null,
          this.signals.side[at],
          ...["return", "pnl", "costs"].map((key) => trade(key, made)),
          this.signals.entry_session[at],
          ...["entry_fill", "exit_fill", "exit_kind"].map((key) => trade(key, made)),
          this.signals.headline[at],
          this.signals.outcome[at],
          this.signals.reason[at],
        ];
        const cells = columns.map((column, n) => (n ? cell(values[n], column, this.digits) : make("td", { class: "code word" }, button)));
        body.append(make("tr", {}, ...cells));
      }
      const head = make("thead", {}, make("tr", {}, ...columns.map((column) => heading(column, column.label))));
      const table = make("table", {}, make("caption", {}, make("span", {}, caption)), head, body);
      return make("div", { class: "inner", tabindex: 0, role: "region", "aria-label": caption }, table);
    }

    // The rungs of each event that reached more than one venue, in opening order.
    ladders() {
      if (this.laddered) return this.laddered;
      this.laddered = new Map();
      this.ladder.event_id.forEach((event, at) => this.group(this.laddered, event).push(at));
      return this.laddered;
    }

    // Let the reader follow a single event up the ladder in the place of the mean of all.
    follow(figure) {
      const events = [...this.ladders()].filter(([, own]) => own.length > 1);
      if (!figure || !events.length) return;
      const chart = figure.querySelector(".chart");
      const all = [...chart.childNodes];
      const [mean, words] = [chart.getAttribute("aria-label"), figure.querySelector("figcaption").textContent];
      const select = make("select", {}, make("option", { value: "" }, "all events, mean in the direction of the signals"));
      for (const [event] of events) {
        const known = this.events.known_by[this.place.get(event)];
        const headline = this.store.headlines[this.place.get(event)] ?? event;
        select.append(make("option", { value: event }, `${known ? instant(known).slice(0, 10) : ""} ${headline}`.slice(0, 90)));
      }
      select.addEventListener("change", () => {
        const event = select.value;
        chart.replaceChildren(...(event ? [ladderRows(this.ladders().get(event).map((at) => this.rung(at)))] : all));
        const told = `${event}: opening times are local; moves are raw, not in the direction of the signals.`;
        figure.querySelector("figcaption").textContent = event ? told : words;
        chart.setAttribute("aria-label", event ? this.mark(`The reaction ladder of ${event}`) : mean);
      });
      chart.before(make("div", { class: "tools" }, make("label", {}, "Event", select)));
    }

    rungs(event) {
      const own = this.ladders().get(event) ?? [];
      const root = make("div", { class: "ladder" });
      if (own.length < 2) return root;
      root.append(make("p", { class: "title" }, this.mark("Reaction ladder: venue by venue in opening order, gap then session")));
      root.append(ladderRows(own.map((at) => this.rung(at))));
      return root;
    }

    rung(at) {
      const { venue, opens_at, gap, session, gaps, instruments } = this.ladder;
      const opened = local(opens_at[at], this.store.zones[venue[at]]);
      const name = `${this.store.cities[venue[at]] ?? venue[at]} ${opened.slice(11)}`;
      return { name, gap: gap[at], session: session[at], title: `${opened} local, ${instant(opens_at[at])} UTC; an open is known of ${gaps[at]} of ${instruments[at]}` };
    }

    // ------------------------------------------------------------------------------ the bars around it

    bars(symbol) {
      const coded = this.store.bars[symbol];
      if (!coded) return [];
      if (!coded.bars) {
        const unknown = new Set(coded.known);
        let at = 0;
        let close = 0;
        coded.bars = coded.at.map((step, place) => {
          at += step;
          close += coded.close[place];
          const price = (value) => value / coded.scale;
          const open = coded.open[place] === null ? null : close + coded.open[place];
          const top = Math.max(open ?? close, close);
          const bottom = Math.min(open ?? close, close);
          return {
            at: at * 60,
            open: open === null ? null : price(open),
            close: unknown.has(place) ? null : price(close),
            high: coded.up[place] === null ? null : price(top + coded.up[place]),
            low: coded.down[place] === null ? null : price(bottom - coded.down[place]),
          };
        });
      }
      return coded.bars;
    }

    window(symbol, entry) {
      const bars = this.bars(symbol);
      const due = bars.findLastIndex((bar) => bar.at <= entry);
      if (due < 0) return { bars: [], due: 0 };
      const first = Math.max(0, due - 5);
      const last = Math.min(bars.length, due + Math.max(this.store.exits.hold ?? 1, 1) + 6);
      return { bars: bars.slice(first, last), due: due - first };
    }

    draw(place, at) {
      const symbol = this.signals.symbol[at];
      const zone = this.store.zones[this.signals.venue[at]];
      const entry = this.signals.entry_at[at];
      const { bars, due } = entry === null ? { bars: [], due: 0 } : this.window(symbol, entry);
      const title = make("p", { class: "title" }, this.mark(`${symbol}, the bars around it (times of ${zone ?? "UTC"})`));
      const words = make("p", { class: "note" }, this.told(at, zone));
      if (!bars.length) {
        const none = this.store.left_out ? "The page leaves the bars of its earliest events out, to stay one that opens." : "There are no bars around it.";
        place.replaceChildren(title, make("p", { class: "note" }, none), words);
        return;
      }
      place.replaceChildren(title, this.candles(bars, due, at, zone), words);
    }

    told(at, zone) {
      const made = this.signals.trade[at];
      const why = this.signals.reason[at] ?? "";
      const first = this.signals.first_open[at];
      const could = first === null ? "" : ` First open that could be had: ${local(first, zone)} local, ${instant(first)} UTC.`;
      if (made < 0) return `No trade: ${why}.${could}${this.others(at, zone)}`;
      const { entry_at, entry_price, entry_fill, exit_at, exit_price, exit_fill, exit_kind, costs, pnl } = this.trades;
      const price = formats.price;
      const left = exit_at[made] === null ? "still open when the data end" : `left by ${exit_kind[made]} ${local(exit_at[made], zone)} at ${price(exit_price[made])}, filled at ${price(exit_fill[made])}`;
      const money = (value) => show(value, "money", this.digits);
      return `Entered ${local(entry_at[made], zone)} at ${price(entry_price[made])}, filled at ${price(entry_fill[made])}; ${left}. Costs ${money(costs[made])}, net ${money(pnl[made])}. Why then: ${why}.${could}${this.others(at, zone)}`;
    }

    // Other events of the same instrument whose due bar falls into the window.
    near(at) {
      const entry = this.signals.entry_at[at];
      const { bars } = entry === null ? { bars: [] } : this.window(this.signals.symbol[at], entry);
      if (!bars.length) return [];
      const last = bars[bars.length - 1].at + 86400;
      return this.bySymbol.get(this.signals.symbol[at]).filter((other) => {
        const when = this.signals.entry_at[other];
        return other !== at && this.signals.event_id[other] !== this.signals.event_id[at] && when !== null && when >= bars[0].at && when <= last;
      });
    }

    others(at, zone) {
      const near = this.near(at);
      if (!near.length) return " No other event of this instrument falls into the window.";
      const told = near.map((other) => `${this.signals.event_id[other]} (${local(this.signals.entry_at[other], zone)})`);
      return ` Other events in the window: ${told.join(", ")}.`;
    }

    candles(bars, due, at, zone) {
      const made = this.signals.trade[at];
      const side = this.signals.side[at];
      const { exits } = this.store;
      const trade = (key) => (made < 0 ? null : this.trades[key][made]);
      const entry = trade("entry_price");
      const levels = { stop: exits.stop && entry && entry * (1 - side * exits.stop), take: exits.take && entry && entry * (1 + side * exits.take) };
      const prices = bars.flatMap((bar) => [bar.low, bar.high, bar.close, bar.open]).concat(trade("entry_fill"), trade("exit_fill"), levels.stop || null, levels.take || null).filter((value) => value !== null);
      const [low, high] = [Math.min(...prices), Math.max(...prices)];
      const room = (high - low) * 0.08 || high * 0.01 || 1;
      const y = (value) => (1000 * (high + room - value)) / (high - low + 2 * room);
      const x = (place) => (1000 * (place + 0.5)) / bars.length;
      const svg = shape("svg", { viewBox: "0 0 1000 1000", preserveAspectRatio: "none", "aria-hidden": "true" });
      const frame = make("div", { class: "frame candles", style: { height: "17rem" } });
      frame.append(svg);
      const say = (style, left, top, text) => frame.append(make("span", { class: style, style: { left: `${left / 10}%`, top: `${top / 10}%` } }, text));
      for (const value of [low, (low + high) / 2, high]) {
        svg.append(shape("path", { class: "rule", d: `M0 ${y(value)}H1000` }));
        frame.append(make("span", { class: "yt", style: { top: `${y(value) / 10}%` } }, formats.price(Number(value.toPrecision(5)))));
      }
      const edge = (1000 * due) / bars.length;
      svg.append(shape("path", { class: "rule dashed", d: `M${edge} 0V1000` }, "known before this bar"));
      say(`say ${edge > 600 ? "left-of" : "right"}`, edge, 0, "news");
      bars.forEach((bar, place) => this.candle(svg, bar, x(place), 300 / bars.length, y, zone));
      const find = (when) => (when === null ? -1 : bars.findLastIndex((bar) => bar.at <= when));
      const [from, to] = [find(trade("entry_at")), find(trade("exit_at"))];
      for (const [name, level] of Object.entries(levels)) {
        if (!level || from < 0) continue;
        const end = to < 0 ? 1000 : x(to);
        svg.append(shape("path", { class: `level ${name}`, d: `M${x(from)} ${y(level)}H${Math.max(end, x(from) + 20)}` }, `${name} ${formats.price(level)}`));
        say("say right", x(from), y(level), `${name} ${formats.price(Number(level.toPrecision(6)))}`);
      }
      for (const [name, where, fill] of [["entry", from, trade("entry_fill")], ["exit", to, trade("exit_fill")]]) {
        if (where < 0 || fill === null) continue;
        svg.append(shape("path", { class: `dot ${name}`, d: `M${x(where)} ${y(fill)}h0.01` }, `${name} filled at ${formats.price(fill)}`));
        say(`say fill ${name}`, x(where), y(fill), `${name} ${formats.price(fill)}`);
      }
      for (const other of this.near(at)) {
        const where = find(this.signals.entry_at[other]);
        if (where >= 0) svg.append(shape("path", { class: "rule other", d: `M${x(where)} 0V1000` }, `${this.signals.event_id[other]}`));
      }
      const step = Math.ceil(bars.length / 6);
      bars.forEach((bar, place) => {
        if (place % step === 0) say("xt", x(place), 1000, local(bar.at, zone).slice(5, this.daily(bars) ? 10 : 16));
      });
      frame.setAttribute("role", "img");
      frame.setAttribute("aria-label", this.mark(`${bars.length} bars of ${this.signals.symbol[at]}. ${this.told(at, zone)}`));
      return frame;
    }

    daily(bars) {
      return bars.length < 2 || bars[1].at - bars[0].at >= 72000;
    }

    candle(svg, bar, x, half, y, zone) {
      if (bar.close === null) return;
      const open = bar.open ?? bar.close;
      const style = bar.open === null ? "flat" : bar.close >= open ? "up" : "down";
      const told = ["open", "high", "low", "close"].map((key) => `${key} ${show(bar[key], "price")}`).join(", ");
      const title = `${local(bar.at, zone)}: ${told}`;
      if (bar.high !== null && bar.low !== null) svg.append(shape("path", { class: `wick ${style}`, d: `M${x} ${y(bar.high)}V${y(bar.low)}` }, title));
      const top = y(Math.max(open, bar.close));
      svg.append(shape("rect", { class: `body ${style}`, x: x - half, width: 2 * half, y: top, height: Math.max(y(Math.min(open, bar.close)) - top, 3) }, title));
    }
  }

  const ladderRows = (rungs) => {
    const known = rungs.flatMap((rung) => [rung.gap, rung.session]).filter((value) => value !== null);
    const [low, high] = [Math.min(0, ...known), Math.max(0, ...known)];
    const size = (high - low) * 1.1 || 1;
    const place = (value) => (100 * (value - low + size * 0.045)) / size;
    const bar = (value, style) => {
      const [left, right] = [Math.min(place(0), place(value)), Math.max(place(0), place(value))];
      return make("i", { class: `bar ${style}`, style: { left: `${left}%`, width: `${Math.max(right - left, 0.3)}%` } });
    };
    const row = (name, value, what, style, title) => {
      const track = make("span", { class: "track" }, make("i", { class: "zero", style: { left: `${place(0)}%` } }));
      if (value !== null) track.append(bar(value, style));
      const text = value === null ? `no ${what}` : `${what} ${formats.percent(value)}`;
      return make("div", { class: "row", title }, make("span", { class: "name" }, name), track, make("span", { class: "end" }, text));
    };
    const rows = rungs.flatMap((rung) =>
      rung.gap === null
        ? [row(rung.name, null, "gap", "", rung.title)]
        : [row(rung.name, rung.gap, "gap", "s1", rung.title), row("", rung.session, "session", "s2", rung.title)]
    );
    return make("div", { class: "rows compact" }, ...rows);
  };

  // ---------------------------------------------------------------------------------- scales, as in drawing.py

  const loose = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
  const trimmed = (value) => minus(loose.format(value));
  const short = (value) => {
    for (const [size, mark] of [[1e9, "bn"], [1e6, "M"], [1e3, "k"]]) {
      if (Math.abs(value) >= size) return trimmed(value / size) + mark;
    }
    return trimmed(value);
  };
  const axisForms = { percent: (value) => `${trimmed(100 * value)}\u00a0%`, money: short, count: short, number: trimmed };

  const ticks = (low, high, count = 4) => {
    if (!(high > low)) return [low];
    const raw = (high - low) / count;
    const size = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((times) => size * times).find((value) => value >= raw * 0.999);
    const found = [];
    for (let n = Math.ceil(low / step - 1e-9); n <= Math.floor(high / step + 1e-9); n += 1) found.push(Number((n * step).toPrecision(12)));
    return found;
  };

  const spread = (values, zero) => {
    const known = values.filter((value) => value !== null && value !== undefined).concat(zero ? [0] : []);
    if (!known.length) return [0, 1];
    const [low, high] = known.reduce(([least, most], value) => [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);
    const room = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
    const [from, to] = [low - (low < 0 || !zero ? room : 0), high + (high > 0 || !zero ? room : 0)];
    return to > from ? [from, to] : [from, from + 1];
  };

  const DAY = 86400000;
  const isoDay = (day) => new Date(day * DAY).toISOString().slice(0, 10);
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  // Years, months where there are few, days where there are fewer.
  const dayMarks = (first, last) => {
    const [start, end] = [new Date(first * DAY), new Date(last * DAY)];
    const months = (end.getUTCFullYear() - start.getUTCFullYear()) * 12 + end.getUTCMonth() - start.getUTCMonth();
    const found = [];
    const put = (when, text) => {
      const day = Math.round(when / DAY);
      if (day >= first && day <= last) found.push([day, text]);
    };
    if (months < 3) {
      const step = Math.max(1, Math.ceil((last - first) / 6));
      for (let day = first; day <= last; day += step) put(day * DAY, isoDay(day).slice(5));
      return found;
    }
    const step = months >= 24 ? 12 * Math.max(1, Math.round(months / 120)) : Math.max(1, Math.round(months / 6));
    for (let n = months >= 24 ? -start.getUTCMonth() : 0; n <= months; n += step) {
      const when = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + n, 1));
      const year = when.getUTCFullYear();
      const name = MONTHS[when.getUTCMonth()];
      put(when.getTime(), months >= 24 ? String(year) : name === "Jan" || !found.length ? `${name} ${year}` : name);
    }
    return found;
  };

  // ------------------------------------------------------------------------------------------- timelines

  const THIN = 1200; // points of a line that are drawn one by one

  const points = (days, values, first, last) => {
    const pieces = [[]];
    days.forEach((day, at) => {
      if (day < first || day > last) return;
      if (values[at] === null || values[at] === undefined) pieces.push([]);
      else pieces[pieces.length - 1].push([day, values[at]]);
    });
    return pieces.filter((piece) => piece.length).map((piece) => {
      if (piece.length <= THIN) return piece;
      const size = Math.ceil((2 * piece.length) / THIN);
      const kept = [piece[0]];
      for (let at = 0; at < piece.length; at += size) {
        const part = piece.slice(at, at + size);
        const ends = [part.reduce((a, b) => (b[1] < a[1] ? b : a)), part.reduce((a, b) => (b[1] > a[1] ? b : a))];
        kept.push(...ends.sort((a, b) => a[0] - b[0]));
      }
      return [...kept, piece[piece.length - 1]];
    });
  };

  // Draw lines over days into a frame, whatever stood there.
  const paint = (frame, { days, lines, first, last, kind, zero, log, tall, axis }) => {
    const pieces = lines.map((line) => points(days, line.values, first, last));
    const shown = pieces.flat(2).map(([, value]) => value);
    const scale = log ? Math.log10 : (value) => value;
    const [low, high] = log ? spread(shown.map(Math.log10), false) : spread(shown, zero);
    const x = (day) => Number(((1000 * (day - first)) / (last - first || 1)).toFixed(1));
    const y = (value) => Number(((1000 * (high - scale(value))) / (high - low || 1)).toFixed(1));
    const svg = shape("svg", { viewBox: "0 0 1000 1000", preserveAspectRatio: "none", "aria-hidden": "true" });
    const label = (style, place, text) => make("span", { class: style, style: place }, text);
    const labels = [];
    const marks = dayMarks(first, last);
    for (const [day] of marks) svg.append(shape("path", { class: "rule faint", d: `M${x(day)} 0V1000` }));
    const values = log ? ticks(10 ** low, 10 ** high, 5).filter((value) => value > 0) : ticks(low, high, tall ? 4 : 2);
    for (const value of values) {
      svg.append(shape("path", { class: value === 0 ? "rule zero" : "rule", d: `M0 ${y(value)}H1000` }));
      labels.push(label("yt", { top: `${y(value) / 10}%` }, axisForms[kind](value)));
    }
    lines.forEach((line, at) => {
      const path = (piece) => "M" + piece.map(([day, value]) => `${x(day)} ${y(value)}`).join("L");
      if (line.filled) {
        for (const piece of pieces[at]) {
          const [start, end] = [piece[0][0], piece[piece.length - 1][0]];
          svg.append(shape("path", { class: `fill ${line.style}`, d: `${path(piece)}L${x(end)} ${y(0)}L${x(start)} ${y(0)}Z` }));
        }
      }
      svg.append(shape("path", { class: `line ${line.style}`, d: pieces[at].map(path).join("") }));
    });
    if (axis) {
      marks.forEach(([day, text], place) =>
        labels.push(label(place % 2 && marks.length > 5 ? "xt minor" : "xt", { left: `${x(day) / 10}%` }, text))
      );
    }
    frame.querySelectorAll(":scope > svg, :scope > span").forEach((old) => old.remove());
    frame.prepend(svg, ...labels);
  };

  class Timeline {
    constructor(figure, live) {
      this.live = live;
      this.figure = figure;
      this.chart = figure.querySelector(".chart");
      this.panels = figure.querySelector(".panels");
      this.when = figure.querySelector(".when");
      this.values = [...figure.querySelectorAll(".legend .key b")];
      this.ends = this.values.map((value) => value.textContent);
      this.frames = [...figure.querySelectorAll(".frame")];
      this.cursors = this.frames.map((frame) => frame.appendChild(make("i", { class: "cursor", hidden: true })));
      this.first = 0;
      this.last = live.days.length - 1;
      this.log = false;
      this.panels.addEventListener("pointermove", (event) => this.point(event));
      this.panels.addEventListener("pointerleave", () => this.leave());
      this.chart.addEventListener("keydown", (event) => this.key(event));
      this.chart.addEventListener("blur", () => this.leave());
      if (live.zoom && live.days.length > 2) this.buildTools();
    }

    // The mark that is nearest to a pointer.
    near(event) {
      const box = this.frames[0].getBoundingClientRect();
      const { days } = this.live;
      const day = days[this.first] + ((event.clientX - box.left) / box.width) * (days[this.last] - days[this.first]);
      const next = days.findIndex((value, at) => at >= this.first && value >= day);
      const at = next < 0 || next > this.last ? this.last : next;
      return at > this.first && day - days[at - 1] < days[at] - day ? at - 1 : at;
    }

    point(event) {
      const at = this.near(event);
      this.tell(at);
      if (this.from !== undefined) this.select(this.from, at);
    }

    key(event) {
      if (event.target !== this.chart) return;
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
      if (event.key === "Escape") this.escape();
      if (event.key === "Enter" && this.live.zoom && this.at !== undefined) this.mark();
      if (!step) return;
      event.preventDefault();
      this.tell(Math.min(this.last, Math.max(this.first, (this.at ?? this.last) + step)));
      if (this.from !== undefined) this.select(this.from, this.at);
    }

    tell(at) {
      this.at = at;
      const { days, lines, digits } = this.live;
      this.when.textContent = isoDay(days[at]);
      lines.forEach((line, place) => (this.values[place].textContent = show(line.values[at], line.kind, digits)));
      const left = (100 * (days[at] - days[this.first])) / (days[this.last] - days[this.first] || 1);
      this.cursors.forEach((cursor) => {
        cursor.hidden = false;
        cursor.style.left = `${left}%`;
      });
    }

    leave() {
      this.at = undefined;
      this.when.textContent = "";
      const { lines, digits } = this.live;
      const known = (values) => values.findLast((value, at) => at <= this.last && value !== null);
      const whole = this.last === this.live.days.length - 1;
      lines.forEach((line, place) => {
        const end = whole && this.ends[place]; // written with all digits
        this.values[place].textContent = end || show(known(line.values), line.kind, digits);
      });
      this.cursors.forEach((cursor) => (cursor.hidden = true));
    }

    // ---------------------------------------------------------------------------- choosing a period

    buildTools() {
      const { days } = this.live;
      const date = (at) => make("input", { type: "date", min: isoDay(days[0]), max: isoDay(days[days.length - 1]), value: isoDay(days[at]), onchange: () => this.dated() });
      [this.since, this.until] = [date(0), date(days.length - 1)];
      this.whole = make("button", { type: "button", hidden: true, onclick: () => this.choose(0, days.length - 1) }, "Whole period");
      this.scale = make("button", { type: "button", "aria-pressed": "false", onclick: () => this.toggle() }, "Log scale");
      const positive = this.live.lines.every((line) => line.panel || line.values.every((value) => value === null || value > 0));
      this.scale.hidden = !positive;
      this.told = make("output", { class: "period", "aria-live": "polite" });
      this.hint = make("span", { class: "hint" }, "Drag over the figure to choose a period; on keys: arrows, Enter at both ends, Escape.");
      const label = (text, input) => make("label", { class: "day" }, text, input);
      this.chart.before(make("div", { class: "tools period" }, label("From", this.since), label("to", this.until), this.whole, this.scale, this.hint));
      this.chart.after(this.told);
      this.panels.classList.add("zooms");
      this.panels.addEventListener("pointerdown", (event) => this.press(event));
      this.panels.addEventListener("pointerup", (event) => this.release(event));
      this.panels.addEventListener("pointercancel", () => this.unselect());
      this.bands = this.frames.map((frame) => frame.appendChild(make("i", { class: "chosen", hidden: true })));
    }

    press(event) {
      if (event.button !== 0) return;
      this.from = this.near(event);
      this.panels.setPointerCapture(event.pointerId);
    }

    release(event) {
      if (this.from === undefined) return;
      const [from, to] = [this.from, this.near(event)];
      this.unselect();
      if (Math.abs(to - from) > 1) this.choose(Math.min(from, to), Math.max(from, to));
    }

    mark() {
      if (this.from === undefined) {
        this.select((this.from = this.at), this.at);
        return;
      }
      const [from, to] = [this.from, this.at];
      this.unselect();
      if (Math.abs(to - from) > 1) this.choose(Math.min(from, to), Math.max(from, to));
    }

    escape() {
      if (this.from !== undefined) this.unselect();
      else if (this.live.zoom && this.whole && !this.whole.hidden) this.choose(0, this.live.days.length - 1);
      this.leave();
    }

    select(from, to) {
      const { days } = this.live;
      const place = (at) => (100 * (days[at] - days[this.first])) / (days[this.last] - days[this.first] || 1);
      const [left, right] = [place(Math.min(from, to)), place(Math.max(from, to))];
      this.bands.forEach((band) => {
        band.hidden = false;
        Object.assign(band.style, { left: `${left}%`, width: `${right - left}%` });
      });
    }

    unselect() {
      this.from = undefined;
      this.bands?.forEach((band) => (band.hidden = true));
    }

    dated() {
      const day = (input) => Math.round(input.valueAsNumber / DAY);
      const [since, until] = [day(this.since), day(this.until)];
      const { days } = this.live;
      const first = days.findIndex((value) => value >= since);
      const last = days.findLastIndex((value) => value <= until);
      if (first >= 0 && last - first > 1) this.choose(first, last);
    }

    choose(first, last) {
      const { days } = this.live;
      for (const one of this.beside ?? [this]) one.range(days[first], days[last]);
    }

    // Show a period, told by its days: other time charts of the page may have other dates.
    range(since, until) {
      const { days } = this.live;
      const first = days.findIndex((value) => value >= since);
      const last = days.findLastIndex((value) => value <= until);
      if (first < 0 || last - first < 1) return;
      [this.first, this.last] = [first, last];
      this.draw();
      this.leave();
      if (!this.told) return;
      const all = first === 0 && last === days.length - 1;
      this.whole.hidden = all;
      this.hint.hidden = !all;
      [this.since.value, this.until.value] = [isoDay(days[first]), isoDay(days[last])];
      this.told.textContent = all ? "" : this.sum(first, last);
    }

    toggle() {
      this.log = !this.log;
      this.scale.setAttribute("aria-pressed", String(this.log));
      this.draw();
    }

    draw() {
      const { days, lines, panels } = this.live;
      this.frames.forEach((frame, place) =>
        paint(frame, {
          days,
          lines: lines.filter((line) => line.panel === place),
          first: days[this.first],
          last: days[this.last],
          ...panels[place],
          log: this.log && place === 0,
          axis: place === this.frames.length - 1,
        })
      );
    }

    // What each line of the first panel came to between two marks, and how deep it fell on the way.
    sum(first, last) {
      const told = this.live.lines.filter((line) => line.panel === 0).map((line) => {
        const values = line.values.slice(first, last + 1).filter((value) => value !== null);
        let [peak, deepest] = [-Infinity, 0];
        for (const value of values) {
          peak = Math.max(peak, value);
          deepest = Math.min(deepest, value / peak - 1);
        }
        const gained = values.length ? values[values.length - 1] / values[0] - 1 : null;
        return `${line.name} ${show(gained, "percent")}, deepest drawdown ${show(deepest, "percent")}`;
      });
      return `${isoDay(this.live.days[first])} to ${isoDay(this.live.days[last])}: ${told.join("; ")}.`;
    }
  }

  // ----------------------------------------------------------------------------------------------- page

  const THEMES = ["auto", "light", "dark"];

  const theme = document.getElementById("theme");
  const remember = (value) => {
    try {
      if (value) localStorage.setItem("aftershock-theme", value);
      return localStorage.getItem("aftershock-theme");
    } catch {
      return value; // some browsers keep nothing for files
    }
  };
  const dress = (name) => {
    document.documentElement.dataset.theme = name;
    theme.textContent = `Theme: ${name}`;
    theme.hidden = false;
  };
  dress(THEMES.includes(remember()) ? remember() : "auto");
  theme.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
    remember(next);
    dress(next);
  });

  const follow = () => {
    const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
    const seen = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) {
          const link = links.get(entry.target.getAttribute("aria-labelledby"));
          if (!entry.isIntersecting || !link) continue;
          links.forEach((other) => other.removeAttribute("aria-current"));
          link.setAttribute("aria-current", "true");
        }
      },
      { rootMargin: "-30% 0px -65% 0px" }
    );
    document.querySelectorAll("main section").forEach((section) => seen.observe(section));
  };

  // What the scripts of other pages draw, by the form that a figure names.
  const parts = globalThis.aftershock ?? {};
  const tools = { Timeline, make, shape, show, paint, isoDay };

  // One part a frame: the page stays usable while much is unpacked.
  const breath = () => new Promise((resume) => setTimeout(resume, 0));

  const build = async (root) => {
    let drill;
    const script = root.querySelector(":scope > script.store");
    if (script) drill = new Drill(await unpack(script), 2);
    drill?.follow(root.querySelector("figure[id$='-figure-ladder']"));
    const timelines = [];
    for (const figure of root.querySelectorAll("figure.drawing")) {
      const script = figure.querySelector("script");
      const live = script && (await unpack(script));
      if (live?.form) parts[live.form]?.(figure, live, tools);
      else if (live) timelines.push(new Timeline(figure, live));
      await breath();
    }
    timelines.forEach((one) => (one.beside = timelines));
    for (const grid of root.querySelectorAll(".grid")) {
      const packed = grid.querySelector("script");
      if (!packed) continue;
      const table = new LongTable(grid, await unpack(packed), drill);
      if (table.spec.opens && drill) {
        drill.table = table;
        drill.digits = table.spec.digits;
        drills.push(drill);
      }
      await breath();
    }
  };

  // An address that ends in #event=NAME opens that event.
  const visit = () => {
    const [, event] = /^#event=(.+)$/.exec(decodeURIComponent(location.hash)) ?? [];
    if (event) drills.forEach((drill) => drill.open(event));
  };
  const drills = [];
  addEventListener("hashchange", visit);

  const ready = async () => {
    follow();
    const comparison = document.querySelector("section[aria-labelledby=comparison]");
    if (comparison) await build(comparison);
    for (const run of document.querySelectorAll("main > .run")) await build(run);
    visit();
    document.documentElement.dataset.ready = "yes";
  };

  if (typeof DecompressionStream === "undefined") {
    const note = "This browser is too old to unpack the long tables: any of 2023 or later can.";
    document.querySelectorAll(".grid .scroll").forEach((scroll) => scroll.append(make("p", { class: "note" }, note)));
  } else {
    setTimeout(ready, 0);
  }

  // ------------------------------------------------------------------------------------------ printing

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")].filter((details) => !details.querySelector(".grid"));
    closed.forEach((details) => (details.open = true));
  });
  addEventListener("afterprint", () => closed.forEach((details) => (details.open = false)));
})();
