// Mixed images, types of a target set, and how everything came about.

function makeMixes() {
  byId("mix-panel").hidden = !D.mixes.length;
  for (const mix of D.mixes) {
    const pairs = el("div", { class: "chart" }), confidence = el("div", { class: "chart" });
    byId("mixes").append(el("h3", {}, mix.name), el("p", {}, `${whole(mix.rows)} mixed images${mix.others ? `, ${whole(mix.others)} of them not of exactly two types` : ""}.`),
      el("div", { class: "pair" }, el("div", {}, el("p", { class: "sub" }, "Images per pair of types"), pairs), el("div", {}, el("p", { class: "sub" }, "Confidence of the weaker type of each image"), confidence)));
    const kinds = Object.keys(mix.types), count = new Map(mix.pairs.map(([low, high, rows]) => [`${low}|${high}`, rows]));
    const name = (kind) => plain(`${mix.types[kind]} (${kind})`);
    const value = (a, b) => count.get(Number(a) <= Number(b) ? `${a}|${b}` : `${b}|${a}`) ?? 0;
    const redraw = () => {
      draw(pairs, [{ type: "heatmap", x: kinds.map(name), y: kinds.map(name), z: kinds.map((a) => kinds.map((b) => value(a, b))), colorscale: [[0, css("panel")], [1, css("stayed")]],
        hovertemplate: "%{x} with %{y}: %{z:,} images<extra></extra>", colorbar: { thickness: 12, title: { text: "images" } } }],
      { height: 240 + 18 * kinds.length, xaxis: { type: "category", tickangle: -45 }, yaxis: { type: "category" } });
      const step = 1 / mix.confidence.length;
      draw(confidence, [{ type: "bar", x: mix.confidence.map((_, bin) => (bin + 0.5) * step), y: mix.confidence, width: step * 0.95, marker: { color: css("stayed") }, hovertemplate: "%{x:.3f}: %{y:,} images<extra></extra>" }],
        { height: 300, bargap: 0, xaxis: { title: { text: "confidence (0.5: both alike)" }, range: [0, 0.52] }, yaxis: { title: { text: "images" }, tickformat: ",d" } });
    };
    redraw();
    onTheme.push(redraw);
  }
}

function makeDomains() {
  byId("domain-panel").hidden = !D.domains.length;
  for (const domain of D.domains) {
    const chosen = domain.types.map((kind) => `${domain.names[kind]} (${kind})`).join(", ") || "no type";
    const chart = el("div", { class: "chart" }), note = el("p", { class: "legend" });
    byId("domains").append(el("h3", {}, domain.name), el("p", {}, `Chosen${domain.images ? ` from ${whole(domain.images)} images` : ""}: ${chosen}.`),
      domain.note ? el("p", { class: "note" }, `${domain.note}.`) : "", note, chart);
    // By the published rule shares are of three places per image; three times that is the share of images.
    const [factor, measure] = domain.shares_of === "images" ? [1, "shown by"] : [3, "among the first four"];
    const shares = new Map(domain.shares.map(([kind, share]) => [kind, factor * share])), first = new Map(domain.top1_shares);
    if (!shares.size && !first.size) { chart.replaceWith(el("p", { class: "sub" }, "This file says no shares: syndr-curate domains select writes them.")); continue; }
    const kinds = Object.keys(domain.names).map(Number).sort((a, b) => (shares.get(a) ?? 0) - (shares.get(b) ?? 0) || b - a);
    const name = (kind) => plain(`${domain.types.includes(kind) ? "✓ " : ""}${domain.names[kind]} (${kind})`);
    const redraw = () => {
      const bar = (title, values, colour) => ({ type: "bar", orientation: "h", name: title, y: kinds.map(name), x: kinds.map((kind) => values.get(kind) ?? 0), marker: { color: colour }, hovertemplate: `%{y}<br>%{x:.1%} ${title}<extra></extra>` });
      draw(chart, [bar("first guess", first, css("held")), bar(measure, shares, css("stayed"))],
        { barmode: "group", height: 60 + 26 * kinds.length, xaxis: { tickformat: ".0%", title: { text: "share of the images" } }, yaxis: { type: "category" } });
      legend(note, [[measure, css("stayed")], ["first guess", css("held")], ["✓ chosen", "transparent"]]);
    };
    redraw();
    onTheme.push(redraw);
  }
}

const spoken = (value) => (value === null ? "none" : typeof value === "boolean" ? (value ? "yes" : "no") : typeof value !== "object" ? String(value)
  : Array.isArray(value) ? value.map(spoken).join(", ") : Object.entries(value).map(([key, entry]) => `${key}: ${spoken(entry)}`).join("; "));

function factList(entries, code = false) {
  return el("dl", { class: "facts" }, ...entries.flatMap(([term, value]) => [el("dt", {}, term.replaceAll("_", " ")), el("dd", { class: code ? "code" : null }, spoken(value))]));
}

function makeProvenance() {
  const missing = Object.values(D.missing);
  byId("missing-block").hidden = !missing.length;
  byId("missing").replaceChildren(...missing.map((note) => el("li", {}, note)));
  for (const { name, facts, note } of D.provenance) {
    const { config = {}, inputs, versions = {}, ...rest } = facts;
    const title = facts.stage ? `${name}, made by ${facts.stage}` : `${name}, which does not say how it was made`;
    byId("provenance").append(el("details", { open: true }, el("summary", {}, el("b", {}, title)), note ? el("p", {}, note) : null,
      ...(Object.keys(config).length ? [el("h3", {}, "Settings"), factList(Object.entries(config))] : []),
      ...(inputs && Object.keys(inputs).length ? [el("h3", {}, "Inputs, by their digest"), factList(Object.entries(inputs), true)] : []),
      ...(Object.keys(rest).length ? [el("h3", {}, "Further"), factList(Object.entries(rest).filter(([key]) => key !== "stage"))] : []),
      ...(Object.keys(versions).length ? [el("h3", {}, "Versions"), factList([["libraries", versions]])] : [])));
  }
  byId("provenance").append(el("details", {}, el("summary", {}, el("b", {}, "This page")), factList([
    ["seed", D.seed], ["maps", D.projection], ["versions", D.versions],
    ["pictures", `${whole(Object.keys(D.pictures.data).length)} in this file${D.pictures.left_out ? `; ${whole(D.pictures.left_out)} more would not fit` : ""}`],
  ])));
}
