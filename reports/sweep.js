"use strict";

// What the page of a sweep adds: heat maps of any two parameters, and the equity of the trial behind a cell.
globalThis.aftershock = {
  heat(figure, live, { Timeline, make, show, paint }) {
    const OFF_SCALE = 62; // percent of colour at the ends of the scale
    const chart = figure.querySelector(".chart");
    const { axes, figures, pairs, trials, curves } = live;
    const place = new Map(trials.trial.map((number, at) => [number, at]));
    const kept = new Map((curves?.trials ?? []).map((number, at) => [number, at]));
    const words = figure.querySelector("figcaption").textContent;

    // ------------------------------------------------------------------------------------ the pickers

    const option = (value, text, selected) => make("option", { value, selected }, text);
    const picker = (label, options, onchange) => {
      const select = make("select", { onchange }, ...options);
      return [make("label", {}, label, select), select];
    };
    const first = pairs[0];
    const all = axes.map((axis, at) => [at, axis.label]);
    const [xLabel, across] = picker("Across", all.map(([at, text]) => option(at, text, at === first.x)), () => draw(across));
    const [yLabel, down] = picker("Down", all.map(([at, text]) => option(at, text, at === first.y)), () => draw(down));
    const [figureLabel, shown] = picker("Figure", figures.map((one, at) => option(at, one.label, at === 0)), () => draw());
    const HOW = { median: "median of the cell", best: "best of the cell" };
    const [howLabel, how] = picker("Shows", Object.entries(HOW).map(([key, text]) => option(key, text, key === "median")), () => draw());
    xLabel.hidden = yLabel.hidden = axes.length < 2;
    chart.before(make("div", { class: "tools pickers" }, figureLabel, howLabel, xLabel, yLabel));
    const panel = make("div", { class: "trial", "aria-live": "polite" });
    chart.after(panel);

    // Pairs are kept once; the other way round is turned.
    const laid = (x, y) => {
      const same = pairs.find((pair) => pair.x === x && pair.y === y);
      if (same) return { pair: same, at: (row, column) => row * axes[x].levels.length + column };
      const turned = pairs.find((pair) => pair.x === y && pair.y === x);
      return { pair: turned, at: (row, column) => column * axes[y].levels.length + row };
    };

    // ----------------------------------------------------------------------------------- the heat map

    const digits = (count) => new Intl.NumberFormat("en-US", { minimumFractionDigits: count, maximumFractionDigits: count, signDisplay: "negative" });
    const [whole, tenths] = [digits(0), digits(1)];
    const written = (format, value) => format.format(value).replace("-", "−");
    const brief = (value, kind) => {
      if (kind === "percent" || kind === "depth") return `${written(tenths, 100 * value)}\u00a0%`;
      if (kind !== "money") return show(value, "number");
      const [size, mark] = Math.abs(value) >= 1e6 ? [1e6, "M"] : Math.abs(value) >= 1e3 ? [1e3, "k"] : [1, ""];
      return written(mark ? tenths : whole, value / size) + mark;
    };
    const kindOf = (one) => (one.kind === "depth" ? "percent" : one.kind);

    const draw = (moved) => {
      let [x, y] = axes.length < 2 ? [0, -1] : [Number(across.value), Number(down.value)];
      if (x === y) {
        // The axis that was taken away from the other picker: give that one the next.
        const other = moved === across ? down : across;
        other.value = String(all.map(([at]) => at).find((at) => at !== x));
        [x, y] = [Number(across.value), Number(down.value)];
      }
      const one = figures[Number(shown.value)];
      const { pair, at } = laid(x, y);
      const values = pair[how.value][one.key];
      const known = values.filter((value) => value !== null);
      const most = Math.max(0, ...known.map((value) => Math.abs(value - one.centre)));
      const columns = axes[x].levels;
      const rows = y < 0 ? [""] : axes[y].levels;
      const head = columns.map((level) => make("th", { scope: "col", class: "numeric" }, level));
      const corner = y < 0 ? `${axes[x].label} →` : `${axes[y].label} ↓ ${axes[x].label} →`;
      const body = rows.map((level, row) => {
        const cells = columns.map((column, place) => {
          const where = at(row, place);
          const isBest = live.best.length && live.best[x] === place && (y < 0 || live.best[y] === row);
          const levels = y < 0 ? [[x, column]] : [[x, column], [y, level]];
          return cell(values[where], one, most, isBest, pair.trial[one.key][where], levels, pair.count[where]);
        });
        return make("tr", {}, make("th", { scope: "row" }, level), ...cells);
      });
      const table = make("table", { class: "heat cells" }, make("thead", {}, make("tr", {}, make("th", { scope: "col", class: "corner" }, corner), ...head)), make("tbody", {}, ...body));
      chart.querySelector(".scroll").replaceChildren(table);
      const luck = one.luck === null ? "" : ` Luck finds ${show(one.luck, kindOf(one), 0)} at best in one sweep of twenty.`;
      const told = `${one.label}, ${HOW[how.value]}, by ${axes[x].label}${y < 0 ? "" : ` and ${axes[y].label}`}.${luck}`;
      figure.querySelector("figcaption").textContent = `${told} ${words}`;
      chart.removeAttribute("role");
      chart.removeAttribute("tabindex");
      chart.setAttribute("aria-label", told);
    };

    const cell = (value, one, most, isBest, trial, levels, count) => {
      if (value === null) return make("td", { class: "numeric blank", title: "no trial has this figure" });
      const away = value - one.centre;
      const shade = most > 0 ? Math.sqrt(Math.min(1, Math.abs(away) / most)) * OFF_SCALE : 0;
      const style = `numeric ${away < 0 ? "loss" : away > 0 ? "gain" : "nil"}${isBest ? " best" : ""}`;
      const named = levels.map(([axis, level]) => `${axes[axis].label} ${level}`).join(", ");
      const title = `${named}: ${one.label} ${show(value, kindOf(one), 0)}, ${count} trials`;
      const text = brief(value, one.kind);
      const inner = trial < 0 ? text : make("button", { type: "button", title, "aria-label": title, onclick: (event) => open(event.currentTarget, trial, one, named) }, text);
      return make("td", { class: style, style: { cssText: `--shade:${shade.toFixed(0)}%` }, title }, inner);
    };

    // --------------------------------------------------------------------------------- a chosen trial

    const levelsOf = (at) =>
      trials.labels.map((label, axis) => {
        const levels = trials.levels[axis];
        return [label, levels ? levels[trials.codes[axis][at]] : trials.codes[axis][at]];
      });

    const open = (button, number, one, named) => {
      chart.querySelectorAll("[aria-pressed]").forEach((other) => other.removeAttribute("aria-pressed"));
      button.setAttribute("aria-pressed", "true");
      const at = place.get(number);
      const title = `${live.mark ? `${live.mark} · ` : ""}Trial ${number}: the best ${one.label} of the cell ${named}`;
      const facts = make("dl", { class: "known" });
      const fact = (label, text) => facts.append(make("div", {}, make("dt", {}, label), make("dd", {}, text)));
      for (const [label, level] of levelsOf(at)) fact(label, level);
      for (const [key, values] of Object.entries(trials.figures)) {
        const [label, kind] = trials.names[key];
        fact(label, show(values[at], kind === "depth" ? "percent" : kind, 0));
      }
      panel.replaceChildren(make("p", { class: "title" }, title), facts, growth(number));
    };

    const curve = (number) => {
      let level = 0;
      return curves.steps[kept.get(number)].map((step, at) => (level = at ? level + step : 10000 + step) / 10000);
    };

    const growth = (number) => {
      if (!kept.has(number)) {
        const why = live.missing || "The page keeps the equities of the trials that rank first; this one is not among them.";
        return make("p", { class: "note" }, `${why} In Python sweep.trial(${number}) runs it.`);
      }
      const best = trials.trial.length && curves.trials.includes(live.first) && live.first !== number ? live.first : null;
      const lines = [{ name: `trial ${number}`, style: "s1", number }];
      if (best !== null) lines.push({ name: `best of all, trial ${best}`, style: "s4", number: best });
      for (const line of lines) Object.assign(line, { kind: "number", panel: 0, filled: false, values: curve(line.number) });
      const frame = make("div", { class: "frame", style: { height: "13rem" } });
      const keys = lines.map((line) => make("span", { class: "key" }, make("i", { class: line.style }), `${line.name} `, make("b", {}, "")));
      const legend = make("div", { class: "legend" }, make("span", { class: "when" }), ...keys);
      const inner = make("div", { class: "chart", tabindex: 0, role: "img", "aria-label": `Equity over starting capital of ${lines.map((line) => line.name).join(" and ")}` });
      inner.append(legend, make("div", { class: "panels" }, make("p", { class: "axis" }, "equity over starting capital"), frame));
      const root = make("div", { class: "equity" }, inner);
      const told = { days: curves.days, lines, panels: [{ kind: "number", zero: false, tall: true }], digits: 2, zoom: false };
      const timeline = new Timeline(root, told);
      timeline.draw();
      timeline.leave();
      return root;
    };

    draw();
  },

  // Let the reader keep only the lines that pass through chosen levels.
  parallel(figure, live, { make, show }) {
    const chart = figure.querySelector(".chart");
    const lines = [...figure.querySelectorAll("path.line")];
    const chosen = live.axes.map(() => -1);
    const told = make("output", { class: "period", "aria-live": "polite" });
    const [label, kind] = live.figure;

    const keep = () => {
      const passes = live.codes.map((codes) => codes.every((code, axis) => chosen[axis] < 0 || Math.floor(code / live.axes[axis].step) === chosen[axis]));
      lines.forEach((line, at) => line.classList.toggle("off", !passes[at]));
      const kept = live.values.filter((_, at) => passes[at]).sort((a, b) => a - b);
      const written = (value) => show(value, kind === "depth" ? "percent" : kind, 0);
      const range = kept.length ? `: ${label} from ${written(kept[0])} to ${written(kept[kept.length - 1])}` : "";
      told.textContent = chosen.every((level) => level < 0) ? "" : `${kept.length} of the ${lines.length} drawn trials${range}.`;
    };

    const pickers = live.axes.map((axis, place) => {
      const names = axis.levels.map((level, at) => make("option", { value: at }, axis.step > 1 ? `from ${level}` : level));
      const select = make("select", { onchange: () => ((chosen[place] = Number(select.value)), keep()) }, make("option", { value: -1 }, "any"), ...names);
      return make("label", {}, axis.label, select);
    });
    chart.before(make("div", { class: "tools pickers" }, ...pickers));
    chart.after(told);
    chart.removeAttribute("tabindex");
  },
};
