// Pictures: the largest clusters, and the neighbors that pseudo-labels come from.

const CARDS_AT_ONCE = 8;

function sampleFigure(member) {
  const [image, note] = samplePicture(member.id, member.reference, `Image ${member.id}`);
  const label = member.label === null ? "no label" : `label ${member.label.toFixed(1)}`;
  return el("figure", { class: STATES[member.state], title: member.id }, image,
    el("figcaption", {}, el("b", {}, label), el("br"), member.steps ?? `${typeName(member.type)}${member.level > 0 ? ` ${member.level}` : ""}`, el("br"), member.id, ...(note ? [el("br"), `(${note})`] : [])));
}

function drawGallery() {
  const missing = [D.missing.clusters, D.gallery.length ? D.missing.left_out : null].filter(Boolean).join(" ");
  byId("gallery-missing").hidden = !missing;
  byId("gallery-missing").textContent = missing;
  const sources = new Map(D.sources.map((name, place) => [name, place]));
  const shown = (member) => passes(member.type, member.level, sources.get(member.source));
  byId("gallery").replaceChildren(...D.gallery.map((cluster) => {
    const of = (state) => cluster.members.filter((member) => (STATES[member.state] === "left") === (state === "left"));
    const strip = (state, total) => {
      const members = of(state), visible = members.filter(shown);
      if (!total) return null;
      const filtered = visible.length < members.length ? `, ${members.length - visible.length} hidden by the filters` : "";
      const head = members.length ? `${STATE_NAMES[state]}: ${visible.length} of ${whole(total)} shown${filtered}` : `${STATE_NAMES[state]}: ${whole(total)}, not known which`;
      return el("div", { class: "strip" }, el("h4", {}, head), ...visible.map(sampleFigure));
    };
    const left = cluster.size - cluster.kept;
    const fate = D.compared ? `${whole(cluster.kept)} kept, ${whole(left)} left out` : left ? `${whole(cluster.kept)} in this manifest` : "";
    return el("details", { class: "cluster", open: D.gallery.indexOf(cluster) < 3 },
      el("summary", {}, el("b", {}, `Cluster ${cluster.cluster}: ${whole(cluster.size)} rows`), fate ? ` – ${fate}` : ""), strip("stayed", cluster.kept), strip("left", left));
  }));
}

function labelTable(card) {
  const kinds = [...new Set(card.labels.map(([kind]) => kind))], levels = [...new Set(card.labels.map(([, level]) => level))].sort();
  const value = (kind, level) => card.labels.find((entry) => entry[0] === kind && entry[1] === level)?.[2];
  return table(["Label at", ...levels.map(levelLabel)], kinds.map((kind) => [typeLabel(kind), ...levels.map((level) => value(kind, level)?.toFixed(2))]), levels.map((_, at) => at + 1));
}

function cardNode(card) {
  const [image] = referencePicture(card.reference);
  const neighbors = card.neighbors.map((neighbor) => {
    const [thumbnail] = referencePicture(neighbor.reference);
    const bar = el("span", { class: "bar", "aria-hidden": "true" });
    bar.style.width = `${Math.round(100 * neighbor.weight)}%`;
    return el("figure", {}, thumbnail, el("figcaption", {}, el("b", {}, neighbor.reference), el("br"), `distance ${neighbor.distance.toFixed(3)}`, bar, `weight ${percent(neighbor.weight, 1)}`));
  });
  return el("article", { class: "card" },
    el("figure", {}, image, el("figcaption", {}, el("b", {}, card.reference), el("br"), `${whole(card.rows)} rows, labels ${card.label_min?.toFixed(1) ?? "–"} to ${card.label_max?.toFixed(1) ?? "–"}`)),
    el("div", {}, el("p", { class: "sub" }, neighbors.length ? `labeled from ${neighbors.length} neighbor${neighbors.length === 1 ? "" : "s"}:` : "labeled by a model over all references (gp): no neighbors are stored."),
      el("div", { class: "strip" }, ...neighbors), el("details", {}, el("summary", {}, "its labels"), el("div", { class: "scroll" }, labelTable(card)))));
}

function makeCards() {
  byId("card-missing").hidden = !D.missing.cards;
  byId("card-missing").textContent = D.missing.cards ?? "";
  const published = D.provenance.some(({ facts }) => facts.config?.neighbors?.weighting === "published");
  if (published) byId("weighting").textContent = "As published, the farther of two neighbors weighs slightly more.";
  const { shown, total } = D.cards, more = byId("more-cards");
  let count = 0;
  const grow = () => {
    shown.slice(count, count + CARDS_AT_ONCE).forEach((card) => byId("cards").append(cardNode(card)));
    count = Math.min(shown.length, count + CARDS_AT_ONCE);
    more.hidden = count >= shown.length;
    more.textContent = `Show more (${count} of ${shown.length}${total > shown.length ? `; ${whole(total)} in all, the others are not in this file` : ""})`;
  };
  more.addEventListener("click", grow);
  grow();
}
