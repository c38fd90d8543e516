// Put the page together.

function makeTiles() {
  const tile = (term, value, small) => el("div", {}, el("dt", {}, term), el("dd", {}, value, ...(small ? [el("small", {}, small)] : [])));
  const [first] = D.manifests, last = D.manifests[D.manifests.length - 1], C = D.clusters;
  const tiles = [tile(D.compared ? "rows before" : "rows", whole(first.usable), first.rows > first.usable ? `${whole(first.rows - first.usable)} more cannot be used` : null)];
  if (D.compared) {
    tiles.push(tile("rows after", whole(last.usable), `${whole(D.states.left)} left out${D.states.came ? `, ${whole(D.states.came)} came in` : ""}`));
    tiles.push(tile("references", whole(last.references), first.references === last.references ? "as many before" : `${whole(first.references)} before`));
  } else tiles.push(tile("references", whole(first.references)));
  if (last.mean_label !== null) tiles.push(tile("mean label, 0 to 10", last.mean_label.toFixed(2), D.compared && first.mean_label !== null ? `${first.mean_label.toFixed(2)} before` : null));
  if (C) {
    const round = (value) => value.toLocaleString("en-US", { maximumFractionDigits: 0 });
    tiles.push(tile("clusters of like images", whole(C.before.clusters), `the largest: ${whole(C.before.largest)} rows${D.compared ? `, ${whole(C.after.largest)} after` : ""}`));
    tiles.push(tile("effective clusters", round(D.compared ? C.after.effective : C.before.effective), D.compared ? `${round(C.before.effective)} before: more is more diverse` : "more is more diverse"));
  }
  byId("tiles").replaceChildren(...tiles);
}

function makeManifestTable() {
  const rows = D.manifests.map((m) => [m.name, m.stage ?? "not stated", whole(m.rows), whole(m.usable), whole(m.references), m.mean_label === null ? "–" : m.mean_label.toFixed(2)]);
  byId("manifest-table").replaceChildren(table(["manifest", "made by", "rows", "usable", "references", "mean label"], rows, [2, 3, 4, 5]));
}

for (const node of document.querySelectorAll("[data-compared]")) node.textContent = D.compared ? node.dataset.compared : node.dataset.single;
const preferred = matchMedia("(prefers-color-scheme: dark)");
setTheme(preferred.matches);
preferred.addEventListener("change", () => setTheme(preferred.matches));
byId("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme !== "dark"));

makeTiles();
makeManifestTable();
makeFilters();
drawFlow();
drawLabels();
makeReferenceMap();
makeSampleMap();
drawClusters();
drawGallery();
makeCards();
makePredictions();
makeMixes();
makeDomains();
makeProvenance();
onFilter.push(drawFlow, drawLabels, drawGallery);
onTheme.push(drawFlow, drawLabels, drawClusters);
document.documentElement.dataset.ready = "yes";
