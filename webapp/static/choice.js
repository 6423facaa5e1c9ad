// What to take out: a box to tick for each model.

import { make } from "./draw.js";
import { givingWay, inWords, partsOf, titled } from "./parts.js";

const $ = (id) => document.getElementById(id);

export class Choice {
  // `models`: as /api/models says them; the first is ticked.
  constructor(models) {
    this.models = models;
    this.boxes = models.map((model, number) => this.box(model, number));
    this.show();
  }

  box(model, number) {
    const box = make("input", { type: "checkbox", name: "model", value: model.name });
    box.checked = number === 0;
    box.addEventListener("change", () => this.tick(model, box));
    const about = make("span", { class: "quiet" }, model.about);
    const name = make("span", { class: "quiet model" }, `model ${model.name}`);
    const title = model.example ? "What sounds like your example" : titled(inWords(model.takes));
    $("models").append(make("label", {}, box, make("strong", {}, title), about, name));
    return box;
  }

  // The models that are ticked, as they are listed.
  get ticked() {
    return this.models.filter((_, number) => this.boxes[number].checked);
  }

  get needsExample() {
    return this.ticked.some(({ example }) => example);
  }

  tick(model, box) {
    const away = box.checked ? givingWay(model, this.ticked) : [];
    this.models.forEach(({ name }, number) => {
      if (away.includes(name)) this.boxes[number].checked = false;
    });
    const why = "two models cannot take out the same part.";
    $("instead").textContent = away.length ? `Instead of ${inWords(away)}: ${why}` : "";
    this.show();
  }

  show() {
    $("sample").hidden = !this.needsExample;
    $("parts").textContent = inWords(partsOf(this.ticked)) || "nothing yet; tick what to take out";
  }
}
