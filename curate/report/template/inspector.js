// What is known about one mark on a map, beside the map: by pointer, by finger or by key.

class Inspector {
  constructor(describe, step) {
    this.describe = describe;
    this.node = el("aside", { class: "inspector", "aria-live": "polite" });
    this.content = el("div");
    this.node.append(this.content, el("div", { class: "steps" },
      el("button", { type: "button", onclick: () => step(-1) }, "← Previous"),
      el("button", { type: "button", onclick: () => step(1) }, "Next →")));
    this.clear();
  }

  clear() {
    this.content.replaceChildren(el("p", {}, "Point at a mark, tap it, or step through them with the arrow keys: picture and facts appear here."));
  }

  show(place) {
    const { image, note, name, facts } = this.describe(place);
    this.content.replaceChildren(image, ...(note ? [el("p", { class: "sub" }, note)] : []), el("p", { class: "name" }, name),
      el("dl", {}, ...facts.filter(([, value]) => value !== null && value !== undefined).flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value)])));
  }
}
