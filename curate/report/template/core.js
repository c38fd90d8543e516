"use strict";
// Texts from data only ever become text nodes (el) or pass through plain() on their way into plotly, which reads tags.

const D = JSON.parse(document.getElementById("data").textContent);
const STATES = ["stayed", "left", "came", "held_out", "unusable"];
const STATE_NAMES = D.compared
  ? { stayed: "kept", left: "left out", came: "came in", held_out: "held out (validation, test)" }
  : { stayed: "in the manifest", left: "left out", came: "came in", held_out: "held out" };
const byId = (id) => document.getElementById(id);
const whole = (value) => Math.round(value).toLocaleString("en-US");
const percent = (part, total) => (total ? `${(100 * part / total).toFixed(part && part < total ? 1 : 0)} %` : "–");
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return node;
}

function unpack(kind, text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const size = { u1: 1, i1: 1, u2: 2, i4: 4 }[kind];
  const read = { u1: (at) => view.getUint8(at), i1: (at) => view.getInt8(at), u2: (at) => view.getUint16(at, true), i4: (at) => view.getInt32(at, true) }[kind];
  return Array.from({ length: bytes.length / size }, (_, row) => read(row * size));
}

const two = (number) => String(number).padStart(2, "0");
const typeName = (kind) => D.types[kind] ?? `type ${kind}`;
const typeLabel = (kind) => (kind > 0 ? `${typeName(kind)} (${kind})` : typeName(kind));
const levelLabel = (level) => (level > 0 ? `level ${level}` : level === 0 ? "pristine" : "not stated");

const S = (() => {
  const columns = { count: D.samples.count, references: D.samples.references };
  const kinds = { reference: "i4", type: "i1", level: "i1", label: "u2", state: "u1", source: "u1", cluster: "i4" };
  for (const [name, kind] of Object.entries(kinds)) if (name in D.samples) columns[name] = unpack(kind, D.samples[name]);
  // One panel for each model; a model without a name is the only one.
  columns.panels = D.samples.models ?? (D.samples.x ? [{ name: "", x: D.samples.x, y: D.samples.y }] : []);
  columns.panels = columns.panels.map(({ name, x, y }) => ({ name, x: unpack("u2", x), y: unpack("u2", y) }));
  columns.id = (row) => D.samples.ids[row] ?? `${columns.references[columns.reference[row]]}_${two(columns.type[row])}_${two(columns.level[row])}`;
  columns.stepsOf = (row) => D.samples.steps[row] ?? null;
  columns.referenceOf = (row) => columns.references[columns.reference[row]] ?? null;
  columns.labelOf = (row) => (columns.label[row] === 65535 ? null : columns.label[row] / 100);
  return columns;
})();

function table(header, rows, numeric = []) {
  const cell = (tag, value, column) => el(tag, { class: numeric.includes(column) ? "number" : null, scope: tag === "th" ? "col" : null }, value ?? "–");
  return el("table", {},
    el("thead", {}, el("tr", {}, ...header.map((value, column) => cell("th", value, column)))),
    el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map((value, column) => cell("td", value, column))))));
}

function legend(container, entries) {
  container.replaceChildren(...entries.map(([name, colour, symbol = "square"]) => {
    const swatch = el("i", { class: `swatch ${symbol}`, "aria-hidden": "true" });
    swatch.style.background = colour;
    return el("span", {}, swatch, name);
  }));
}

// A picture, or what stands in for one. `keys` from the best to the last that will do.
function picture(keys, alternative, otherwise) {
  for (const [key, note] of keys) {
    const data = D.pictures.data[key];
    if (data) return [el("img", { class: "picture", src: data, alt: alternative, loading: "lazy", decoding: "async" }), note];
  }
  const reason = keys.map(([key]) => D.pictures.missing[key]).find(Boolean);
  return [el("div", { class: "picture placeholder", role: "img", "aria-label": alternative }, reason ? `No picture: ${reason}` : otherwise), null];
}

const NOT_INCLUDED = "No picture: only some are in this file, to keep it small.";
const samplePicture = (id, reference, alternative) =>
  picture([[`row:${id}`, null], [`reference:${reference}`, "its reference, undistorted"]], alternative, NOT_INCLUDED);
const referencePicture = (id) => picture([[`reference:${id}`, null]], `Reference ${id}`, NOT_INCLUDED);

const onTheme = [];
function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  byId("theme").setAttribute("aria-pressed", String(dark));
  for (const redraw of onTheme) redraw();
}

const CONFIG = { displaylogo: false, responsive: true, displayModeBar: false, showTips: false };
function layout(extra) {
  const axis = { gridcolor: css("line"), zerolinecolor: css("line"), linecolor: css("line"), automargin: true, fixedrange: true };
  const { xaxis, yaxis, ...rest } = extra;
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, bargap: 0.25, dragmode: false,
    font: { color: css("ink"), family: "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif", size: 13 },
    hoverlabel: { bgcolor: css("panel"), bordercolor: css("line"), font: { color: css("ink") } },
    margin: { l: 10, r: 20, t: 8, b: 36 }, xaxis: { ...axis, ...xaxis }, yaxis: { ...axis, ...yaxis }, ...rest,
  };
}
function draw(id, traces, extra) {
  const node = typeof id === "string" ? byId(id) : id;
  if (extra.height) node.style.height = `${extra.height}px`;
  return Plotly.react(node, traces, layout(extra), CONFIG);
}
