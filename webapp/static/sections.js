// The sections of a song: a button for each, which goes there, their edges in the waveforms, and loops over them.

import { ask, clock, make } from "./draw.js";
import { sectionAt, sectionBefore } from "./timeline.js";

const AGAIN = 15000; // ms
const $ = (id) => document.getElementById(id);

export class Sections {
  // `views`: the lanes, whose `wave` shows the edges.
  constructor(transport, practise, views) {
    Object.assign(this, { transport, practise, views, found: [], buttons: [], shown: -1 });
    $("loop-section").addEventListener("click", () => this.loop());
  }

  // Ask the server for them, which takes it some seconds the first time; and again while it has too much to do.
  async load(url) {
    $("sections").hidden = false;
    for (const each of document.querySelectorAll(".section-keys")) each.hidden = false;
    let answer;
    try {
      answer = await ask(url);
    } catch (error) {
      $("sections-said").textContent = `Sections cannot be looked for now. ${error.message}`;
      if (!error.status || error.status === 503) setTimeout(() => this.load(url), AGAIN);
      return;
    }
    this.found = answer.sections;
    $("sections-said").textContent = this.found.length ? "" : `No sections: this song ${answer.message}.`;
    const { duration } = this.transport;
    this.buttons = this.found.map(({ start, label }, number) => {
      const attributes = { type: "button", "aria-label": `Section ${label}, ${clock(start)}` };
      const button = make("button", attributes, make("b", {}, label), ` ${clock(start)}`);
      button.addEventListener("click", (event) => this.press(number, event.shiftKey));
      return button;
    });
    $("section-list").replaceChildren(...this.buttons);
    for (const { wave } of this.views) {
      for (const { start } of this.found.slice(1)) {
        const edge = make("div", { class: "edge" });
        edge.style.left = `${(100 * start) / duration}%`;
        wave.append(edge);
      }
    }
    $("loop-section").hidden = !this.found.length;
    this.show();
  }

  // Go to a section; with Shift, hear all from the one that is heard to it again and again.
  press(number, shift) {
    if (!shift) return this.transport.seek(this.found[number].start);
    const here = Math.max(0, sectionAt(this.found, this.transport.position));
    this.loop(Math.min(here, number), Math.max(here, number));
  }

  // To the next section, or back to the start of this one or of the one before.
  step(by) {
    const { position } = this.transport;
    const to = by < 0 ? sectionBefore(this.found, position) : sectionAt(this.found, position) + 1;
    if (this.found[to]) this.transport.seek(this.found[to].start);
  }

  // Hear the sections from `first` to `last` again and again; without them, the one that is heard.
  loop(first = sectionAt(this.found, this.transport.position), last = first) {
    if (this.found[first]) this.practise.between(this.found[first].start, this.found[last].end);
  }

  show() {
    const here = sectionAt(this.found, this.transport.position);
    if (here === this.shown) return;
    this.shown = here;
    this.buttons.forEach((button, number) => {
      if (number === here) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
    // Only the list scrolls to it, not the page.
    const list = $("section-list");
    const button = this.buttons[here];
    if (button) list.scrollLeft = button.offsetLeft - (list.clientWidth - button.clientWidth) / 2;
  }
}
