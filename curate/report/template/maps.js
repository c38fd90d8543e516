// Scatter maps. Many marks are drawn by WebGL, few as SVG; without WebGL an even share of the many is drawn, and said so.
// A map has one panel, or several side by side that show the same marks at other places: a mark chosen in one is marked in all.

const SVG_AT_MOST = 5000;
const COMPONENTS = "principal components (--projection umap keeps neighbors together and takes longer)";
const PALETTE = ["#4e79d3", "#e0803c", "#3da47d", "#c8549a", "#b8952a", "#7a64c9", "#4aa8c4", "#c0504a", "#7f8f3c", "#8c6d5a", "#5f7f9f", "#d18bb8"];
const SYMBOLS = ["circle", "diamond", "square", "triangle-up", "cross", "x"];
let hasWebGL = (() => {
  try { return Boolean(document.createElement("canvas").getContext("webgl")); } catch { return false; }
})();
const coarse = matchMedia("(pointer: coarse)").matches;

function span(values) {
  const low = values.reduce((a, b) => Math.min(a, b), 65535), high = values.reduce((a, b) => Math.max(a, b), 0);
  const room = Math.max(1, 0.05 * (high - low));
  return [low - room, high + room];
}

const PANEL_WIDTH = 260, PANEL_GAP = 0.015, TITLE_HEIGHT = 30, LETTER = 9; // pixels at least; share of the plot; pixels; pixels

class ScatterMap {
  // panels: [{name, x, y}], where a mark's place in x and y is the same in each.
  // groups(): [{name, colour, symbol, size, places}] or, with `scale`, one group with a value per mark.
  constructor(container, { panels, groups, describe, find, unit, tools }) {
    Object.assign(this, { groups, find, unit });
    this.panels = panels.map((panel, at) => ({ ...panel, axis: at ? String(at + 1) : "", spanX: span(panel.x), spanY: span(panel.y) }));
    this.current = null;
    this.plot = el("div", { class: "plot", tabindex: "0", role: "application", "aria-label": `Map of ${unit}: arrow keys step through the marks` });
    this.inspector = new Inspector(describe, (by) => this.step(by));
    this.count = el("p", { class: "sub", "aria-live": "polite" });
    this.legend = el("p", { class: "legend" });
    const search = el("input", { type: "search", placeholder: "part of a name", onkeydown: (event) => { if (event.key === "Enter") this.search(search.value); } });
    container.replaceChildren(
      el("div", { class: "tools" }, ...tools, el("label", {}, "Find by name, then Enter", search),
        el("button", { type: "button", onclick: () => { this.revision = (this.revision ?? 0) + 1; this.draw(); } }, "Whole map")),
      this.legend, el("div", { class: "map-body" }, el("div", {}, this.plot, this.count), this.inspector.node));
    this.plot.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (by) { event.preventDefault(); this.step(by); }
    });
    this.draw();
    this.listen();
  }

  listen() {
    for (const event of ["plotly_hover", "plotly_click"]) {
      this.plot.removeAllListeners(event);
      this.plot.on(event, (met) => this.meet(met));
    }
  }

  meet(event) {
    const place = event.points.find((point) => point.customdata !== undefined)?.customdata;
    if (place !== undefined) this.select(place);
  }

  select(place) {
    this.current = place;
    this.inspector.show(place);
    const markers = this.panels.map((_, at) => this.plot.data.length - this.panels.length + at);
    Plotly.restyle(this.plot, { x: this.panels.map(({ x }) => [x[place]]), y: this.panels.map(({ y }) => [y[place]]) }, markers);
  }

  step(by) {
    if (!this.order.length) return;
    const at = this.order.indexOf(this.current);
    this.select(this.order[at < 0 ? 0 : (at + by + this.order.length) % this.order.length]);
  }

  search(text) {
    const place = this.find(text.toLowerCase(), this.order);
    if (place === undefined) this.count.textContent = `No mark shown has “${text}” in its name.`;
    else { this.select(place); this.describeCount(); }
  }

  describeCount() {
    const less = this.drawn < this.total ? ` (${whole(this.drawn)} drawn: this browser has no WebGL)` : "";
    this.count.textContent = `${whole(this.total)} ${this.unit} shown${less}. ${coarse ? "Tap a mark." : "Drag to zoom, double-click for the whole map."}`;
  }

  // Axes and titles of the panels: as many in a row as have room, each about as high as wide.
  arrange() {
    const bare = (range, more) => ({ showticklabels: false, showgrid: false, zeroline: false, ticks: "", fixedrange: coarse, automargin: false, range, ...more });
    const count = this.panels.length;
    if (count === 1 && !this.panels[0].name) return { xaxis: bare(this.panels[0].spanX, { showline: false }), yaxis: bare(this.panels[0].spanY, { showline: false }) };
    const columns = Math.max(1, Math.min(count, Math.floor(this.plot.clientWidth / PANEL_WIDTH))), rows = Math.ceil(count / columns);
    const side = Math.min(this.plot.clientWidth / columns, 512), height = rows * (side + TITLE_HEIGHT);
    this.plot.style.height = `${height}px`;
    const layout = { annotations: [] }, framed = { showline: true, mirror: true, linecolor: css("line") };
    this.panels.forEach(({ name, axis, spanX, spanY }, at) => {
      const column = at % columns, top = 1 - Math.floor(at / columns) / rows - TITLE_HEIGHT / height;
      const left = column * (1 + PANEL_GAP) / columns, right = left + (1 - PANEL_GAP * (columns - 1)) / columns;
      layout[`xaxis${axis}`] = bare(spanX, { ...framed, domain: [left, Math.min(1, right)], anchor: `y${axis}` });
      layout[`yaxis${axis}`] = bare(spanY, { ...framed, domain: [top - side / height, top].map((share) => Math.max(0, share)), anchor: `x${axis}` });
      const most = Math.floor(side / LETTER), title = name.length > most ? `${name.slice(0, most - 1)}…` : name;
      layout.annotations.push({ text: `<b>${plain(title)}</b>`, showarrow: false, xref: "paper", yref: "paper", x: left, y: top, xanchor: "left", yanchor: "bottom", font: { size: 14 } });
    });
    return layout;
  }

  draw() {
    const groups = this.groups();
    this.total = groups.reduce((sum, group) => sum + group.places.length, 0);
    const marks = this.total * this.panels.length;
    const gl = marks > D.webgl_from && hasWebGL;
    const stride = gl ? 1 : Math.max(1, Math.ceil(marks / SVG_AT_MOST));
    const shown = groups.map((group) => (stride === 1 ? group.places : group.places.filter((_, at) => at % stride === 0)));
    const traces = this.panels.flatMap((panel) => groups.map((group, at) => {
      const places = shown[at];
      return {
        type: gl ? "scattergl" : "scatter", mode: "markers", name: plain(group.name), hoverinfo: "none", customdata: places,
        x: places.map((place) => panel.x[place]), y: places.map((place) => panel.y[place]), xaxis: `x${panel.axis}`, yaxis: `y${panel.axis}`,
        marker: {
          size: group.size ?? (marks > 5000 ? 4 : marks > 800 ? 6 : 8), symbol: group.symbol ?? "circle", opacity: group.opacity ?? 0.75,
          color: group.value ? places.map(group.value) : group.colour, line: { width: 0 },
          ...(group.value ? { colorscale: "Viridis", cmin: 0, cmax: 10, showscale: panel === this.panels[0], colorbar: { title: { text: "label" }, thickness: 12, len: 0.8 } } : {}),
        },
      };
    }));
    const [first] = this.panels;
    this.order = shown.flat().sort((a, b) => first.x[a] - first.x[b] || first.y[a] - first.y[b]);
    this.drawn = this.order.length;
    const marked = this.order.includes(this.current) ? [this.current] : [];
    traces.push(...this.panels.map(({ x, y, axis }) => ({
      type: "scatter", mode: "markers", hoverinfo: "skip", x: marked.map((place) => x[place]), y: marked.map((place) => y[place]), xaxis: `x${axis}`, yaxis: `y${axis}`,
      marker: { size: 18, symbol: "circle-open", color: css("ink"), line: { width: 3, color: css("ink") } },
    })));
    Plotly.react(this.plot, traces, layout({
      margin: { l: 4, r: 4, t: 4, b: 4 }, dragmode: coarse ? false : "zoom", hovermode: "closest", hoverdistance: 12,
      uirevision: String(this.revision ?? 0), ...this.arrange(),
    }), CONFIG);
    if (gl && this.plot.querySelector(".no-webgl")) {
      // It was promised and is not to be had after all.
      hasWebGL = false;
      Plotly.purge(this.plot);
      this.draw();
      this.listen();
      return;
    }
    legend(this.legend, groups.filter((group) => !group.value).map((group) => [`${group.name} ${whole(group.places.length)}`, group.colour, group.symbol ?? "circle"]));
    this.describeCount();
  }
}

function choice(text, options, onchange) {
  const select = el("select", { onchange: () => onchange(select.value) }, ...options.map(([value, name]) => el("option", { value }, name)));
  return el("label", {}, text, select);
}

function makeSampleMap() {
  const missing = byId("sample-missing");
  if (!S.panels.length) {
    missing.hidden = false;
    missing.textContent = D.missing.samples ?? "";
    byId("sample-map").hidden = true;
    return;
  }
  let view = "before", colour = "state";
  const views = { before: ["Before", [0, 1, 3]], after: ["After", [0, 2]], left: ["Left out", [1]] };
  const all = Array.from({ length: S.count }, (_, row) => row);
  const visible = () => all.filter((row) => samplePasses(row) && (!D.compared || views[view][1].includes(S.state[row])));
  const split = (rows, key, values, name, shade) => values.map((value, at) => ({ name: name(value), places: rows.filter((row) => key(row) === value), ...shade(value, at) }))
    .filter((group) => group.places.length);
  const groups = () => {
    const rows = visible();
    if (colour === "label") return [{ name: "label", places: rows.filter((row) => S.labelOf(row) !== null), value: (row) => S.labelOf(row) }];
    if (colour === "state") return split(rows, (row) => S.state[row], [0, 2, 3, 1], (state) => STATE_NAMES[STATES[state]], (state) => ({ colour: stateColour(STATES[state]), symbol: state === 1 ? "x" : "circle" }));
    const cycle = (_, at) => ({ colour: PALETTE[at % PALETTE.length], symbol: SYMBOLS[Math.floor(at / PALETTE.length) % SYMBOLS.length] });
    const ramp = ["#9bb8e8", "#fde28a", "#f9b25e", "#f07a45", "#c93a3a", "#7c1d3f"];
    if (colour === "level") return split(rows, (row) => S.level[row], FILTERS.level.values, levelLabel, (level) => ({ colour: ramp[Math.max(0, level)] }));
    return split(rows, (row) => S[colour][row], FILTERS[colour].values, FILTERS[colour].name, cycle);
  };
  const buttons = Object.entries(views).map(([key, [name]]) => el("button", { type: "button", "data-view": key, "aria-pressed": String(key === view), onclick: () => {
    view = key;
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.view === key)));
    map.draw();
  } }, name));
  const map = new ScatterMap(byId("sample-map"), {
    panels: S.panels, groups, unit: "images",
    find: (text, order) => order.find((row) => S.id(row).toLowerCase().includes(text)),
    describe: (row) => {
      const id = S.id(row), label = S.labelOf(row);
      const [image, note] = samplePicture(id, S.referenceOf(row), `Image ${id}`);
      return { image, note, name: id, facts: [
        ["Type", typeLabel(S.type[row])], ["Steps", S.stepsOf(row)], ["Level", S.stepsOf(row) ? null : S.level[row] > 0 ? S.level[row] : levelLabel(S.level[row])], ["Label", label === null ? "none" : `${label.toFixed(2)} of 10`],
        ["Source", D.sources[S.source[row]]], ["Reference", S.referenceOf(row)], ["Cluster", S.cluster[row] >= 0 ? S.cluster[row] : null],
        ["Outcome", D.compared ? STATE_NAMES[STATES[S.state[row]]] : null]] };
    },
    tools: [
      ...(D.compared ? [el("fieldset", {}, el("legend", {}, "Show"), ...buttons)] : []),
      choice("Color by", [...(D.compared ? [["state", "what became of it"]] : []), ["type", "distortion type"], ["level", "level"], ["label", "label"], ["source", "source of the label"]],
        (value) => { colour = value; map.draw(); }),
    ],
  });
  if (!D.compared) { colour = "type"; map.draw(); }
  const rest = D.usable - S.count;
  const method = D.projection.samples === "umap" ? `UMAP, seed ${D.seed}` : COMPONENTS;
  const apart = S.panels.length > 1 ? ", each model on its own (a mark chosen in one map is marked in all)" : "";
  byId("sample-map").append(el("p", { class: "sub" }, `Placed by ${method}${apart}; axes have no unit.${rest ? ` ${whole(rest)} rows are not on the map: at most a set number is drawn, and only rows with features.` : ""}`));
  onFilter.push(() => map.draw());
  onTheme.push(() => map.draw());
}

const ROLES = {
  original: ["originals (labeled)", "original", "circle", 9], kept: ["candidates kept", "stayed", "diamond", 10],
  too_close: ["dropped: near-copy of an original", "left", "x", 7], too_far: ["dropped: unlike every original", "far", "triangle-up", 8],
  thinned: ["dropped: too like another kept one", "thinned", "square", 7], over_limit: ["dropped: over the limit asked for", "held", "cross", 7],
  dropped: ["dropped: reason not given", "left", "x", 7],
};

function makeReferenceMap() {
  const R = D.references;
  const notes = [D.missing.references, R.ids.length ? D.missing.selection : null].filter(Boolean).join(" ");
  byId("reference-missing").hidden = !notes;
  byId("reference-missing").textContent = notes;
  const groupsOf = () => R.roles.map((role, at) => {
    const [name, colour, symbol, size] = ROLES[role] ?? [role, "held", "circle", 7];
    return { role, name, colour: css(colour), symbol, size, opacity: 0.85, places: R.ids.map((_, place) => place).filter((place) => R.role[place] === at) };
  });
  const describe = (place) => {
    const id = R.ids[place], [image, note] = referencePicture(id);
    const shown = (value) => (value === null ? null : value.toFixed(3));
    return { image, note, name: id, facts: [["Role", (ROLES[R.roles[R.role[place]]] ?? [R.roles[R.role[place]]])[0]], ["Nearest original", R.nearest[place]],
      ["Distance to it", shown(R.nearest_distance[place])], ["To the farthest", shown(R.farthest_distance[place])]] };
  };
  if (R.x) {
    const map = new ScatterMap(byId("reference-map"), {
      panels: [{ name: "", x: R.x, y: R.y }], groups: groupsOf, unit: "pictures", describe, tools: [],
      find: (text, order) => order.find((place) => R.ids[place].toLowerCase().includes(text)),
    });
    const method = D.projection.references === "umap" ? `UMAP, seed ${D.seed}` : COMPONENTS;
    byId("reference-map").append(el("p", { class: "sub" }, `Placed by ${method}; axes have no unit.`));
    onTheme.push(() => map.draw());
  } else byId("reference-map").hidden = true;
  if (!D.bounds) return;
  byId("bounds-block").hidden = false;
  const drawBounds = () => {
    const measured = groupsOf().map((group) => ({ ...group, places: group.places.filter((place) => R.nearest_distance[place] !== null) })).filter((group) => group.places.length);
    const line = (at) => ({ type: "line", line: { color: css("soft"), dash: "dash", width: 2 }, ...at });
    draw("bounds-chart", measured.map((group) => ({
      type: "scatter", mode: "markers", name: group.name, x: group.places.map((place) => R.nearest_distance[place]), y: group.places.map((place) => R.farthest_distance[place]),
      text: group.places.map((place) => plain(R.ids[place])), marker: { color: group.colour, symbol: group.symbol, size: group.size - 1, opacity: 0.8 },
      hovertemplate: `%{text}<br>${group.name}<br>nearest %{x:.3f}, farthest %{y:.3f}<extra></extra>`,
    })), { height: 360, hovermode: "closest", margin: { l: 10, r: 20, t: 10, b: 44 },
      shapes: [line({ x0: D.bounds.near, x1: D.bounds.near, yref: "paper", y0: 0, y1: 1 }), line({ y0: D.bounds.far, y1: D.bounds.far, xref: "paper", x0: 0, x1: 1 })],
      xaxis: { title: { text: "distance to the nearest original" } }, yaxis: { title: { text: narrow() ? "to the farthest" : "distance to the farthest original" } } });
  };
  legend(byId("bounds-legend"), groupsOf().filter((group) => group.role !== "original").map((group) => [group.name, group.colour, group.symbol]));
  drawBounds();
  onTheme.push(drawBounds);
}
