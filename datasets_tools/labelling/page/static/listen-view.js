// The view of the judging page: names, waveform, marks, hints and lists. It contains no logic.

import { about, clock, drawWaveform, loudest, make, seekBy, whenever } from "./draw.js";

export const $ = (id) => document.getElementById(id);
export const words = (mark) => mark[0].toUpperCase() + mark.slice(1).replace("_", " ");

const OTHER_KEYS = [
  ["Enter", "Accept: nothing wrong, or the marks as they are. With several stems, go on to the next."],
  ["Space", "Next split; after the last the first"],
  ["P", "Play, pause"],
  ["S", "Speed: 1, 1.5, 2"],
  ["X", "This stem, or the track's others, at the same place"],
  ["O", "Choose what it is compared with: each of the others, or all"],
  ["U", "Undo; Backspace too"],
  ["H", "History: go back to a track that you judged"],
  ["?", "These keys"],
];

// Add a button for every split and every mark, and the table of keys.
export function build(settings, on) {
  for (let split = 0; split < settings.splits; split++) {
    const label = `Split ${split + 1} of ${settings.splits}`;
    const button = make("button", { type: "button", "aria-label": label, "aria-keyshortcuts": `${split + 1}` });
    button.append(String(split + 1));
    button.addEventListener("click", () => on.split(split));
    $("splits").append(button);
    if (split) {
      const line = make("div", { class: "line" });
      line.style.left = `${(100 * split) / settings.splits}%`;
      $("lines").append(line);
    }
  }
  $("splits").style.gridTemplateColumns = `repeat(${settings.splits}, 1fr)`;
  for (const mark of settings.marks) {
    const word = make("span", { class: "word" }, words(mark.name), " ", make("kbd", {}, mark.key));
    const keys = { "aria-pressed": "false", "aria-keyshortcuts": mark.key };
    const attributes = { type: "button", ...keys, "data-mark": mark.name };
    const button = make("button", attributes, word, make("small", {}, mark.meaning));
    button.addEventListener("click", () => on.mark(mark.name));
    $("marks").append(button);
  }
  const word = make("span", { class: "word" }, "Undo ", make("kbd", {}, "U"));
  const undo = make("button", { type: "button", id: "undo", "aria-keyshortcuts": "U Backspace" }, word);
  undo.append(make("small", {}, "back to the last one"));
  undo.addEventListener("click", on.undo);
  $("marks").append(undo);
  const rows = [
    ...OTHER_KEYS.slice(0, 2),
    [`1 to ${settings.splits}`, "Jump to a split"],
    ...settings.marks.map((mark) => [mark.key, `${words(mark.name)}: ${mark.meaning}`]),
    ...OTHER_KEYS.slice(2),
  ];
  for (const [key, what] of rows) $("keys").append(make("dt", {}, make("kbd", {}, key)), make("dd", {}, what));
}

// Do not write an unchanged text again, so that screen readers do not repeat it.
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function showTally(state) {
  write($("count"), `${state.judged} of ${state.total} judged`);
  write($("left"), state.left ? `${about(state.left)} left` : "\u00a0");
  $("progress").max = state.total;
  $("progress").value = state.judged;
}

// Show the track, the stem, its marks, and what Enter will do.
export function showTrack(view, stem) {
  const judged = view.stems.filter((each) => each.judged).length;
  const { group, name } = view.stems[stem];
  write($("name"), view.name);
  $("name").title = view.name;
  const already = view.marks.includes("checked") ? ", judged already" : "";
  const which = judged > 1 ? `stem ${stem + 1} of ${judged}: ` : "";
  const first = view.stems[0].group;
  const elsewhere = group === first ? "" : `; marks are the ${first.replace("_", " ")}'s`;
  write($("about"), `${which}${group.replace("_", " ")}, ${name}${elsewhere}${already}`);
  for (const button of $("marks").querySelectorAll("[data-mark]")) {
    button.setAttribute("aria-pressed", String(view.marks.includes(button.dataset.mark)));
  }
  const last = stem + 1 === judged;
  const marked = view.marks.some((mark) => mark !== "checked");
  const [word, note] = $("accept").querySelectorAll(".word > span, small");
  write(word, last ? (marked ? "Done" : "Accept") : "Next stem");
  write(note, last ? (marked ? "with these marks" : "nothing wrong") : `${stem + 2} of ${judged} in this track`);
  for (const id of ["this", "that", "other"]) $(id).disabled = view.stems.length < 2;
}

// Show the waveform of the stem, or why there is none.
export function showSound(sound) {
  const trouble = sound.error || (sound.peaks ? "" : "Loading the stem ...");
  $("trouble").hidden = !trouble;
  $("trouble").classList.toggle("bad", Boolean(sound.error));
  write($("trouble"), trouble);
  $("wave").setAttribute("aria-valuemax", String(Math.floor(sound.duration ?? 0)));
  draw(sound.peaks ?? []);
}

let peaks = [];
function draw(values = peaks) {
  peaks = values;
  // Quiet stems are drawn larger, but no more than 8 times.
  drawWaveform($("canvas"), peaks, Math.max(0.125, loudest(peaks)));
}
whenever($("canvas"), () => draw());

let drawn = -1;
// Show the position, several times per second.
export function showPlace(sound, splits) {
  const position = sound?.transport?.position ?? 0;
  const duration = sound?.duration ?? 0;
  $("head").style.left = `${duration ? (100 * position) / duration : 0}%`;
  write($("clock"), duration ? `${clock(position)} of ${clock(duration)}` : "\u00a0");
  if (Math.floor(position) !== drawn) {
    drawn = Math.floor(position);
    $("wave").setAttribute("aria-valuenow", String(drawn));
    $("wave").setAttribute("aria-valuetext", `${clock(position)} of ${clock(duration)}`);
  }
  const now = sound?.split(splits) ?? 0;
  [...$("splits").children].forEach((button, split) => {
    if ((button.getAttribute("aria-current") === "true") !== (split === now)) {
      button.setAttribute("aria-current", String(split === now));
    }
  });
  // A transform moves it without a new layout, which would count as a layout shift.
  $("now").style.transform = `translateX(${100 * now}%)`;
  $("now").style.width = `${100 / splits}%`;
}

// Clicks on the waveform, and the arrow keys if it has the focus, move the position of `sound()`.
export function seekable(sound) {
  const wave = $("wave");
  seekBy(wave, (share) => sound()?.transport?.seek(share * sound().duration));
  wave.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5 }[event.key];
    const transport = sound()?.transport;
    if (!step || !transport) return;
    transport.seek(transport.position + step);
    event.preventDefault();
  });
}

export function showPlaying(started, playing, speed) {
  $("play").classList.toggle("main", !started);
  write($("play").firstElementChild, playing ? "Pause" : started ? "Play" : "Start");
  write($("speed").firstElementChild, `Speed ${speed}`);
}

// Show what is playing: this stem or `that`, "others" or the number of one of the track's stems.
export function showCompared(view, that, comparing) {
  write($("that").firstElementChild, that === "others" ? "All others" : view.stems[that].name);
  $("this").setAttribute("aria-pressed", String(comparing === null));
  $("that").setAttribute("aria-pressed", String(comparing !== null));
}

// `hints` are lines, or null during the analysis; `more`: a warning about the stem itself.
export function showHints(hints, error, more) {
  const lines = hints === null ? ["Listening for hints ..."] : [...hints];
  if (more) lines.unshift(more);
  if (error) lines.push(`no hints: ${error}`);
  const suspicious = hints !== null && lines.length > 0;
  $("hints").replaceChildren(...(lines.length ? lines : ["nothing suspicious"]).map((line) => make("li", {}, line)));
  $("hints").classList.toggle("quiet", !suspicious);
}

export function say(text, bad = false) {
  $("said").classList.toggle("bad", bad);
  write($("said"), text || "\u00a0");
}

export function showHistory(tracks, choose) {
  const items = tracks.map((each) => {
    const marks = each.marks.filter((mark) => mark !== "checked").map(words);
    const state = marks.join(", ") || (each.marks.length ? "Accepted" : "not judged");
    const shown = [make("span", {}, each.name), make("span", { class: "quiet" }, state)];
    const button = make("button", { type: "button" }, ...shown);
    button.addEventListener("click", () => choose(each.track));
    return make("li", {}, button);
  });
  $("judged").replaceChildren(...(items.length ? items : [make("li", { class: "quiet" }, "Nothing yet.")]));
  $("history-dialog").showModal();
  $("judged").querySelector("button")?.focus();
}
