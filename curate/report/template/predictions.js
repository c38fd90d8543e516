// The pictures that a model predicted best and worst.

function makePredictions() {
  const P = D.predictions;
  if (!P) return;
  byId("prediction-panel").hidden = false;
  byId("prediction-note").textContent = `${P.name}: scores of ${whole(P.rows)} labeled images, mapped to labels by the 4-parameter logistic that fits them best. `
    + "The error is prediction minus label: above 0 the model thinks too well of the image.";
  const signed = (value) => (value < 0 ? `−${Math.abs(value).toFixed(2)}` : `+${value.toFixed(2)}`);
  const figure = (entry) => {
    const [image] = picture([[`predicted:${entry.id}`, null]], `Image ${entry.id}`, NOT_INCLUDED);
    const kind = entry.steps ?? (entry.type < 0 ? null : `${typeName(entry.type)}${entry.level > 0 ? ` ${entry.level}` : ""}`);
    const line = (term, value) => el("tr", {}, el("th", { scope: "row" }, term), el("td", { class: "number" }, value));
    return el("figure", { title: entry.id }, image, el("figcaption", {},
      el("table", {}, line("label", entry.label.toFixed(2)), line("prediction", entry.prediction.toFixed(2)), line("error", el("b", {}, signed(entry.error))), line("score", String(entry.score))),
      ...(kind ? [kind, el("br")] : []), entry.id));
  };
  for (const [title, entries] of [["Worst predicted, the largest error first", P.worst], ["Best predicted, the smallest error first", P.best]]) {
    byId("predictions").append(el("h3", {}, title), el("div", { class: "strip predicted" }, ...entries.map(figure)));
  }
}
