// The player: the mixture and its parts in step, each with its waveform, spectrogram, loudness and files.

import { clock, drawWaveform, loudest, make, seekBy, whenever } from "./draw.js";
import { fileLinks, keeping } from "./keep.js";
import { forPage, keySwitch } from "./keys.js";
import { titled } from "./parts.js";
import { Practise } from "./practise.js";
import { Sections } from "./sections.js";
import { Transport } from "./sound.js";

const STEP = 5; // seconds, of the arrow keys
// The keys of the first lane, the second, ...
const SOLO = [..."123456789"];
const LOUDER = [..."QWERTYUIO"];
const SOFTER = [..."ASDFGHJKL"];
const $ = (id) => document.getElementById(id);

export class Player {
  // `job`: as /api/jobs/ID says it; `sounds`: its peaks.json; `trouble(message)` shows what goes wrong.
  constructor(job, sounds, trouble) {
    this.trouble = trouble;
    const url = (file) => `../api/jobs/${job.id}/${file}`;
    const parts = ["mixture", ...job.parts];
    this.transport = new Transport(parts.map((part) => ({ ...sounds[part], url: url(`${part}.wav`) })));
    this.transport.lanes[0].muted = true; // the mixture, which the parts make up already
    this.loudest = loudest(...parts.map((part) => sounds[part].peaks));
    this.views = parts.map((part, number) => this.view(part, number, sounds[part].peaks, job.formats, url));
    $("lanes").replaceChildren(...this.views.map((view) => view.section));
    $("lanes").classList.toggle("many", parts.length > 3);
    for (const [id, keys] of Object.entries({ "solo-keys": SOLO, "louder-keys": LOUDER, "softer-keys": SOFTER })) {
      $(id).replaceChildren(...keys.slice(0, parts.length).flatMap((key) => [make("kbd", {}, key), " "]));
    }
    $("length").textContent = clock(this.transport.duration);
    $("place").max = this.transport.duration;
    $("play").addEventListener("click", () => this.transport.toggle());
    $("place").addEventListener("input", () => this.transport.seek(Number($("place").value)));
    document.addEventListener("keydown", (event) => this.key(event));
    keySwitch($("keys-on"));
    // After a click the keys are the page's again: space should not press that button once more.
    $("player").addEventListener("click", (event) => event.detail && event.target.closest("button")?.blur());
    this.practise = new Practise(this.transport, this.views, trouble);
    this.sections = new Sections(this.transport, this.practise, this.views);
    if (job.sections) this.sections.load(url("sections.json"));
    keeping(job, url, this.transport, trouble);
    this.transport.addEventListener("change", () => this.show());
    this.transport.addEventListener("ended", () => this.transport.seek(0));
    this.transport.addEventListener("trouble", (event) => trouble(event.detail));
    this.transport.mix();
    this.follow();
  }

  view(part, number, peaks, formats, url) {
    const lane = this.transport.lanes[number];
    const canvas = make("canvas", { role: "img", "aria-label": `Waveform of the ${part}` });
    const alt = `Spectrogram of the ${part}`;
    const picture = make("img", { src: url(`${part}.png`), alt, width: "1200", height: "160" });
    picture.draggable = false;
    const head = make("div", { class: "head" });
    const loop = make("div", { class: "loop" });
    const wave = make("div", { class: "wave" }, canvas, picture, loop, head);
    const solo = make("button", { type: "button", "aria-pressed": "false", "aria-label": `Only the ${part}` }, "Solo");
    const mute = make("button", { type: "button", "aria-pressed": "false", "aria-label": `Mute the ${part}` }, "Mute");
    const range = { type: "range", min: "0", max: "1.5", step: "0.05" };
    const slider = make("input", { ...range, "aria-label": `Volume of the ${part}` });
    slider.value = 1;
    const volume = make("span", { class: "volume" }, make("span", { "aria-hidden": "true" }, "Volume"), slider);
    const links = fileLinks(part, formats, (format) => url(`${part}.${format}`), this.trouble);
    const files = make("p", { class: "files quiet" }, make("span", {}, "Download:"), ...links);
    const key = make("kbd", { class: "by-keys", "aria-hidden": "true" }, SOLO[number] ?? "");
    key.hidden = number >= SOLO.length;
    const title = make("h2", {}, key, titled(part));
    const section = make("section", { class: "lane", "aria-label": titled(part) });
    section.append(title, solo, mute, volume, wave, files);
    solo.addEventListener("click", () => this.solo(number));
    mute.addEventListener("click", () => this.mute(number));
    slider.addEventListener("input", () => this.volume(number, Number(slider.value)));
    seekBy(wave, (share) => this.transport.seek(share * this.transport.duration));
    whenever(canvas, () => drawWaveform(canvas, peaks, this.loudest));
    return { lane, section, solo, mute, slider, wave, head, loop };
  }

  solo(number) {
    const { lanes } = this.transport;
    const on = !lanes[number].solo;
    lanes.forEach((lane, each) => {
      lane.solo = on && each === number;
    });
    this.transport.mix();
  }

  mute(number) {
    const lane = this.transport.lanes[number];
    lane.muted = !lane.muted;
    this.transport.mix();
  }

  volume(number, value) {
    this.transport.lanes[number].volume = Math.min(1.5, Math.max(0, value));
    this.transport.mix();
  }

  key(event) {
    const onSlider = event.target === $("place") && /^(Arrow(Left|Right)|Home)$/.test(event.key);
    if (!onSlider && !forPage(event)) return;
    if (event.repeat && !event.key.startsWith("Arrow")) return event.key === " " && event.preventDefault();
    const { transport } = this;
    const lane = (keys, key) => keys.slice(0, transport.lanes.length).indexOf(key);
    const number = lane(SOLO, event.code.replace("Digit", ""));
    const louder = lane(LOUDER, event.key.toUpperCase());
    const softer = lane(SOFTER, event.key.toUpperCase());
    if (event.key === " ") transport.toggle();
    else if (event.key === "ArrowLeft" && event.shiftKey) this.sections.step(-1);
    else if (event.key === "ArrowRight" && event.shiftKey) this.sections.step(1);
    else if (event.key.toLowerCase() === "b") this.sections.loop();
    else if (event.key === "ArrowLeft") transport.seek(transport.position - STEP);
    else if (event.key === "ArrowRight") transport.seek(transport.position + STEP);
    else if (event.key === "Home") transport.seek(0);
    else if (number >= 0 && event.shiftKey) this.mute(number);
    else if (number >= 0) this.solo(number);
    else if (louder >= 0) this.volume(louder, transport.lanes[louder].volume + 0.1);
    else if (softer >= 0) this.volume(softer, transport.lanes[softer].volume - 0.1);
    else if (!this.practise.key(event.key.toLowerCase())) return;
    event.preventDefault();
  }

  show() {
    const { transport } = this;
    $("play").textContent = transport.playing ? "Pause" : "Play";
    $("play").setAttribute("aria-busy", String(transport.waiting));
    const alone = transport.lanes.some((lane) => lane.solo);
    for (const { lane, section, solo, mute, slider } of this.views) {
      solo.setAttribute("aria-pressed", String(lane.solo));
      mute.setAttribute("aria-pressed", String(lane.muted));
      slider.value = lane.volume;
      section.classList.toggle("silent", alone ? !lane.solo : lane.muted);
    }
    this.place();
    if (transport.playing && !transport.waiting) this.trouble("");
    if (transport.playing) this.follow();
  }

  // Move with the sound, as long as there is any.
  follow() {
    if (this.following) return;
    const next = () => {
      this.place();
      this.following = this.transport.playing && requestAnimationFrame(next);
    };
    next();
  }

  place() {
    const { position, duration } = this.transport;
    for (const { head } of this.views) head.style.left = `${(100 * position) / duration}%`;
    this.sections.show();
    $("clock").textContent = clock(position);
    $("place").value = position;
    $("place").setAttribute("aria-valuetext", `${clock(position)} of ${clock(duration)}`);
  }
}
