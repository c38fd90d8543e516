// Counts, labels and cluster sizes: figures that were counted over all rows, not over those that are drawn one by one.

const stateColour = (state) => css({ stayed: "stayed", left: "left", came: "came", held_out: "held" }[state]);
const BIN = 10 / 40;

function eachCell(visit) {
  const { cells } = D;
  cells.count.forEach((count, cell) => {
    if (passes(cells.type[cell], cells.level[cell], cells.source[cell])) {
      visit({ type: cells.type[cell], level: cells.level[cell], source: cells.source[cell], bin: cells.bin[cell], state: STATES[cells.state[cell]], count });
    }
  });
}

function countBy(field) {
  const groups = new Map();
  eachCell((cell) => {
    if (!groups.has(cell[field])) groups.set(cell[field], { stayed: 0, left: 0, came: 0, held_out: 0 });
    groups.get(cell[field])[cell.state] += cell.count;
  });
  return groups;
}

const occurring = () => ["stayed", "left", "came", "held_out"].filter((state) => D.states[state] || state === "stayed");
const before = (counts) => counts.stayed + counts.left + counts.held_out;
const after = (counts) => counts.stayed + counts.came;

const narrow = () => window.innerWidth < 600;

function outcome(counts) {
  if (!D.compared) return whole(counts.stayed);
  if (narrow()) return before(counts) ? `${percent(counts.stayed, before(counts))}${counts.came ? " + new" : ""}` : "new";
  const arrived = counts.came ? ` + ${whole(counts.came)} new` : "";
  return before(counts) ? `${whole(counts.stayed)} of ${whole(before(counts))} (${percent(counts.stayed, before(counts))})${arrived}` : `${whole(counts.came)} new`;
}

function flowChart(id, field, name) {
  const groups = [...countBy(field)].sort(([a], [b]) => b - a);
  const labels = groups.map(([value]) => (narrow() ? plain(name(value)).replaceAll(", ", ",<br>") : plain(name(value))));
  const traces = occurring().map((state) => ({
    type: "bar", orientation: "h", name: STATE_NAMES[state], y: labels, x: groups.map(([, counts]) => counts[state]),
    marker: { color: stateColour(state) }, hovertemplate: `%{y}<br>%{x:,} ${STATE_NAMES[state]}<extra></extra>`,
  }));
  const totals = groups.map(([, counts]) => counts.stayed + counts.left + counts.came + counts.held_out);
  traces.push({
    type: "scatter", mode: "text", y: labels, x: totals, text: groups.map(([, counts]) => ` ${outcome(counts)}`),
    textposition: "middle right", cliponaxis: false, hoverinfo: "skip", textfont: { size: 12, color: css("soft") },
  });
  const room = Math.max(60, ...groups.map(([, counts]) => 7 * outcome(counts).length + 8));
  draw(id, traces, { barmode: "stack", height: 56 + (narrow() && field === "source" ? 38 : 26) * Math.max(1, groups.length), margin: { l: 10, r: room, t: 4, b: 44 },
    xaxis: { title: { text: "rows", standoff: 8 }, tickformat: ",d", nticks: Math.max(2, Math.min(6, Math.floor((byId(id).clientWidth - room - 140) / 70))), tickangle: 0, rangemode: "tozero" }, yaxis: { ticks: "", type: "category", showgrid: false, range: [-0.5, groups.length - 0.5] } });
}

function drawFlow() {
  flowChart("flow-source", "source", (place) => D.sources[place]);
  flowChart("flow-type", "type", typeLabel);
  flowChart("flow-level", "level", levelLabel);
  legend(byId("flow-legend"), D.compared ? occurring().map((state) => [`${STATE_NAMES[state]} ${whole(D.states[state])}`, stateColour(state)]) : []);
  const rows = ["source", "type", "level"].flatMap((field) => [...countBy(field)].sort(([a], [b]) => a - b).map(([value, counts]) => {
    const name = { source: (place) => D.sources[place], type: typeLabel, level: levelLabel }[field](value);
    return D.compared ? [name, ...["stayed", "left", "came", "held_out"].map((state) => whole(counts[state]))] : [name, whole(counts.stayed)];
  }));
  const header = D.compared ? ["group", "kept", "left out", "came in", "held out"] : ["group", "rows"];
  byId("flow-table").replaceChildren(table(header, rows, header.map((_, column) => column).slice(1)));
}

function drawLabels() {
  const bins = Array.from({ length: 40 }, () => ({ stayed: 0, left: 0, came: 0, held_out: 0 }));
  let unlabelled = 0;
  eachCell((cell) => { if (cell.bin < 0) unlabelled += cell.count; else bins[cell.bin][cell.state] += cell.count; });
  const chart = byId("label-chart");
  chart.hidden = bins.every((counts) => before(counts) + after(counts) === 0);
  byId("label-note").textContent = unlabelled ? `${whole(unlabelled)} of the rows shown have no label.` : chart.hidden ? "No row is shown." : "";
  legend(byId("label-legend"), D.compared && !chart.hidden ? [["before (line)", css("left"), "line"], ["after (bars)", css("stayed")]] : []);
  if (chart.hidden) return;
  const centres = bins.map((_, bin) => (bin + 0.5) * BIN);
  const range = centres.map((centre) => `${(centre - BIN / 2).toFixed(2)} to ${(centre + BIN / 2).toFixed(2)}`);
  const traces = [{
    type: "bar", x: centres, y: bins.map(D.compared ? after : (counts) => counts.stayed), width: BIN * 0.96, text: range, textposition: "none",
    marker: { color: css("stayed") }, hovertemplate: `label %{text}<br>%{y:,} rows${D.compared ? " after" : ""}<extra></extra>`,
  }];
  if (D.compared) {
    traces.push({
      type: "scatter", mode: "lines", x: [0, ...centres.map((centre) => centre + BIN / 2)], y: [before(bins[0]), ...bins.map(before)], text: ["", ...range],
      line: { shape: "vh", color: css("left"), width: 2 }, hovertemplate: "label %{text}<br>%{y:,} rows before<extra></extra>",
    });
  }
  draw("label-chart", traces, { height: 300, bargap: 0, margin: { l: 10, r: 10, t: 8, b: 44 },
    xaxis: { title: { text: "label: 0 worst, 10 best" }, range: [0, 10], dtick: narrow() ? 2 : 1 }, yaxis: { title: { text: "rows" }, tickformat: ",d", rangemode: "tozero" } });
}

function drawClusters() {
  const show = (id, text) => { byId(id).hidden = !text; byId(id).textContent = text ?? ""; };
  show("cluster-missing", D.missing.clusters);
  if (!D.clusters) { byId("cluster-chart").hidden = true; return; }
  const { classes } = D.clusters;
  const labels = classes.map((entry) => entry.label);
  const counts = classes.map((entry) => `${whole(entry.clusters)} cluster${entry.clusters === 1 ? "" : "s"}`);
  const bar = (name, values, colour) => ({
    type: "bar", name, x: labels, y: values, text: counts, textposition: "none", marker: { color: colour },
    hovertemplate: `clusters of %{x} rows: %{text}<br>%{y:,} rows ${name}<extra></extra>`,
  });
  const traces = [bar("before thinning", classes.map((entry) => entry.rows_before), css("left")), bar("kept", classes.map((entry) => entry.rows_kept), css("stayed"))];
  draw("cluster-chart", traces, { barmode: "group", height: 300, margin: { l: 10, r: 10, t: 8, b: 44 },
    xaxis: { type: "category", title: { text: "rows in the cluster before thinning" } }, yaxis: { title: { text: "rows in such clusters" }, tickformat: ",d" } });
  legend(byId("cluster-legend"), traces.map((trace) => [trace.name, trace.marker.color]));
  const line = (name, key, show) => [name, show(D.clusters.before[key]), show(D.clusters.after[key])];
  byId("cluster-table").replaceChildren(table(["", "before", "after"], [
    line("clusters", "clusters", whole),
    line("rows in the largest", "largest", whole),
    line("share of rows in clusters over 20", "share_in_large", (value) => percent(value, 1)),
    line("effective clusters: as many of equal size would be as diverse", "effective", (value) => value.toLocaleString("en-US", { maximumFractionDigits: 1 })),
    line("imbalance of sizes η: 0 when all are equal", "heterogeneity", (value) => value.toFixed(2)),
  ], [1, 2]));
}
