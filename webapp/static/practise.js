// To practise with a song: hear a part of it again and again, slower or faster, higher or lower.

import { clock } from "./draw.js";
import { hindrance, Stretch } from "./stretch.js";
import { loopBetween } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const KEPT = "practise"; // in localStorage: "open", or nothing
const TEMPO = 5; // percent, of one press of a key

export class Practise {
  // `views`: the lanes, whose `loop` shows where the loop is.
  constructor(transport, views, trouble) {
    Object.assign(this, { transport, views, trouble, start: null, end: null, on: false });
    $("loop-start").addEventListener("click", () => this.mark("start"));
    $("loop-end").addEventListener("click", () => this.mark("end"));
    $("loop").addEventListener("click", () => this.loop(!this.on));
    for (const id of ["tempo", "semitones"]) {
      $(id).addEventListener("input", () => {
        this.show();
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.change(), 100); // not at every step of a slider that moves
      });
    }
    $("reset").addEventListener("click", () => this.set(100, 0));
    const why = hindrance(transport.context, transport.lanes[0].rate);
    $("hindrance").textContent = why;
    for (const id of ["tempo", "semitones"]) $(id).disabled = Boolean(why);
    this.able = !why;
    this.keepOpen();
    this.show();
  }

  // What a key does: whether it is one of ours.
  key(key) {
    if (key === "x") this.mark("start");
    else if (key === "c") this.mark("end");
    else if (key === "v") this.loop(!this.on);
    else if (key === "n") this.set(Number($("tempo").value) - TEMPO, $("semitones").value);
    else if (key === "m") this.set(Number($("tempo").value) + TEMPO, $("semitones").value);
    else if (key === ",") this.set($("tempo").value, Number($("semitones").value) - 1);
    else if (key === ".") this.set($("tempo").value, Number($("semitones").value) + 1);
    else return false;
    $("practise").open = true;
    return true;
  }

  // The loop begins or ends here. Once both are known, it is heard; one that lies on the wrong side of the other is
  // where a new loop begins or ends.
  mark(which) {
    this[which] = this.transport.position;
    const { start, end } = this;
    if (start !== null && end !== null && start >= end) this[which === "start" ? "end" : "start"] = null;
    this.loop(this.start !== null && this.end !== null);
  }

  // Hear what lies between two places again and again.
  between(start, end) {
    Object.assign(this, { start, end });
    this.loop(true);
    $("practise").open = true;
  }

  // Turn the loop on or off. Without marks it is the whole song.
  loop(on) {
    const { duration } = this.transport;
    const loop = on ? loopBetween(this.start ?? 0, this.end ?? duration, duration) : null;
    this.on = Boolean(loop);
    this.transport.loopOver(loop);
    this.show();
  }

  set(tempo, semitones) {
    if (!this.able) return;
    $("tempo").value = tempo;
    $("semitones").value = semitones;
    this.change();
  }

  async change() {
    this.show();
    let stretch;
    try {
      if (!this.plain) this.stretching ??= Stretch.of(this.transport.lanes);
      stretch = await this.stretching;
    } catch {
      return this.trouble("This browser cannot change tempo and pitch.");
    }
    // The sliders may have moved while it was loaded.
    const rate = Number($("tempo").value) / 100;
    this.transport.stretchBy(this.plain ? null : stretch, rate, Number($("semitones").value));
  }

  get plain() {
    return $("tempo").value === "100" && $("semitones").value === "0";
  }

  show() {
    const { start, end } = this;
    const { duration } = this.transport;
    const place = (seconds) => (seconds === null ? "–" : clock(seconds, 1));
    $("loop-start-at").textContent = place(start);
    $("loop-end-at").textContent = place(end);
    $("loop").setAttribute("aria-pressed", String(this.on));
    for (const { loop } of this.views) {
      loop.hidden = start === null && end === null;
      loop.classList.toggle("off", !this.on);
      loop.style.left = `${(100 * (start ?? 0)) / duration}%`;
      loop.style.right = `${100 - (100 * (end ?? duration)) / duration}%`;
    }
    const semitones = Number($("semitones").value);
    const signed = semitones > 0 ? `+${semitones}` : String(semitones).replace("-", "−");
    $("tempo-said").textContent = `${$("tempo").value} %`;
    $("semitones-said").textContent = signed;
    $("tempo").setAttribute("aria-valuetext", `${$("tempo").value} percent`);
    $("semitones").setAttribute("aria-valuetext", `${signed} semitones`);
    $("reset").disabled = this.plain;
  }

  // Who has opened it finds it open next time, unless the browser keeps nothing.
  keepOpen() {
    const kept = (use) => {
      try {
        return use(localStorage);
      } catch {
        return null;
      }
    };
    $("practise").open = kept((storage) => storage.getItem(KEPT)) === "open";
    $("practise").addEventListener("toggle", () => {
      if ($("practise").open) kept((storage) => storage.setItem(KEPT, "open"));
      else kept((storage) => storage.removeItem(KEPT));
    });
  }
}
