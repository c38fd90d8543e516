// Filters: sets of what is let through. Whoever shows filtered rows registers with onFilter.

const onFilter = [];
const FILTERS = {
  type: { values: Object.keys(D.types).map(Number), name: typeLabel },
  level: { values: [...new Set(D.cells.level)].sort((a, b) => a - b), name: levelLabel },
  source: { values: D.sources.map((_, place) => place), name: (place) => D.sources[place] },
};
for (const filter of Object.values(FILTERS)) filter.chosen = new Set(filter.values);
const passes = (type, level, source) =>
  FILTERS.type.chosen.has(type) && FILTERS.level.chosen.has(level) && FILTERS.source.chosen.has(source);
const samplePasses = (row) => passes(S.type[row], S.level[row], S.source[row]);

function describeFilters() {
  const { cells } = D;
  let shown = 0;
  cells.count.forEach((count, cell) => { if (passes(cells.type[cell], cells.level[cell], cells.source[cell])) shown += count; });
  byId("filter-count").textContent = shown === D.usable ? `all ${whole(D.usable)} rows shown` : `${whole(shown)} of ${whole(D.usable)} rows shown`;
  for (const [name, { values, chosen }] of Object.entries(FILTERS)) {
    byId(`filter-${name}`).querySelector("summary span").textContent =
      chosen.size === values.length ? `(all ${values.length})` : `(${chosen.size} of ${values.length})`;
  }
}

function refilter() {
  describeFilters();
  for (const redraw of onFilter) redraw();
}

function setAll(name, on) {
  const filter = FILTERS[name];
  filter.chosen = new Set(on ? filter.values : []);
  byId(`filter-${name}`).querySelectorAll("input").forEach((input) => { input.checked = on; });
}

function makeFilters() {
  for (const [name, filter] of Object.entries(FILTERS)) {
    const chips = filter.values.map((value) => {
      const input = el("input", { type: "checkbox", value, checked: true, onchange: () => {
        if (input.checked) filter.chosen.add(value); else filter.chosen.delete(value);
        refilter();
      } });
      return el("label", {}, input, filter.name(value));
    });
    const every = (text, on) => el("button", { type: "button", onclick: () => { setAll(name, on); refilter(); } }, text);
    byId(`filter-${name}`).querySelector(".chips").replaceChildren(every("all", true), every("none", false), ...chips);
  }
  byId("reset").addEventListener("click", () => {
    Object.keys(FILTERS).forEach((name) => setAll(name, true));
    refilter();
  });
  describeFilters();
}
