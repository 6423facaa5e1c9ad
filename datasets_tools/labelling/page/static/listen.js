// Judge stems one after another, by keys or buttons. Every judgement is saved before the next stem plays.

import { ask } from "./draw.js";
import { forPage, keySwitch } from "./keys.js";
import { Stem, whenReady } from "./listen-sound.js";
import * as view from "./listen-view.js";

const { $ } = view;
const SPEEDS = [1, 1.5, 2];
const sitting = (sessionStorage.sitting ??= crypto.randomUUID()); // a reloaded page continues
history.replaceState(null, "", "/"); // the key is a cookie now

let settings;
let track = null; // the server's description; null when all are judged
let sound = null; // the Stem that is playing
let ahead = []; // Stems that may come next
let that = "others"; // what to compare the stem with
let started = false; // browsers play nothing before the first key
let speed = 1;
let turn = Promise.resolve(); // resolves when all keys so far are handled
let toggling = false; // mark keys do not advance to the next track
const steps = []; // what undo reverts: {stem} it came from, or {track, stem} judged

const url = (path) => `${path}${path.includes("?") ? "&" : "?"}sitting=${sitting}`;
const post = (path, body) => ask(url(path), { method: "POST", body: JSON.stringify(body) });
const judgedStems = () => track.stems.filter((each) => each.judged).length;

// Show a stem of track `number` and play it; `known`: what is already known about the track.
async function show(number, stem = 0, known = null) {
  const same = track?.track === number;
  track = known ?? (same ? track : await ask(`/api/tracks/${number}`));
  const found = ahead.find((each) => each.track === number && each.stem === stem && !each.error);
  ahead = ahead.filter((each) => each !== found);
  sound?.close();
  sound = found ?? new Stem(number, stem);
  const mine = sound;
  that = "others";
  toggling = settings.cautious || track.marks.length > 0;
  $("judging").hidden = false;
  $("finished").hidden = true;
  render();
  view.showHints(null);
  for (const name of ["change", "ended"]) sound.addEventListener(name, render);
  sound.addEventListener("trouble", (event) => view.say(event.detail, true));
  sound.loaded.then(() => begin(mine));
  prepare(mine).catch((error) => view.say(error.message, true));
}

function begin(mine) {
  if (sound !== mine) return;
  render();
  if (!mine.transport || mine.transport.playing || !started) return;
  mine.transport.speed = speed;
  mine.playSplit(0, settings.splits);
}

// Prepare what may come next: the next stem, and the first stem of the next track.
async function prepare(mine) {
  const found = await ask(url(`/api/tracks/${mine.track}?hear=1`));
  if (sound !== mine) return;
  view.showTally(found);
  const wanted = [];
  if (mine.stem + 1 < judgedStems()) wanted.push([mine.track, mine.stem + 1]);
  if (found.next !== null) wanted.push([found.next, 0]);
  const is = (each, [number, stem]) => each.track === number && each.stem === stem && !each.error;
  for (const each of ahead) if (!wanted.some((key) => is(each, key))) each.close();
  ahead = wanted.map((key) => ahead.find((each) => is(each, key)) ?? new Stem(...key));
  showHints(mine);
}

async function showHints(mine) {
  const hints = await whenReady(`/api/tracks/${mine.track}/hints`, () => sound === mine);
  await mine.loaded;
  if (sound === mine) view.showHints(hints.stems[mine.stem], hints.error, mine.warning);
}

function render() {
  if (!track) return;
  view.showTrack(track, sound.stem);
  view.showSound(sound);
  view.showCompared(track, that, sound.comparing);
  view.showPlaying(started, sound.transport?.playing ?? false, speed);
}

// Run changes of marks one after another. An error is shown, and the page stays where it is. A key pressed before the
// current stem appeared was meant for the previous one, and is ignored.
function once(change) {
  const meant = sound;
  turn = turn.then(async () => {
    if (sound !== meant) return;
    try {
      await change();
    } catch (error) {
      view.say(error.message, true);
    }
  });
}

async function judge(set, clear, done) {
  const { name, track: number } = track;
  const state = await post(`/api/tracks/${number}/marks`, { set, clear, done });
  steps.push({ track: number, stem: sound.stem });
  view.showTally(state);
  track.marks = state.marks;
  const marks = state.marks.filter((mark) => mark !== "checked").map(view.words);
  view.say(`${name}: ${marks.join(", ") || (done ? "accepted" : "no marks")}`);
  if (done) await go(state);
  else render();
}

async function go(state) {
  if (state.next !== null) return show(state.next);
  sound?.close();
  for (const each of ahead) each.close();
  [track, sound, ahead] = [null, null, []];
  $("summary").textContent = `${state.total} tracks with ${settings.group}.`;
  $("judging").hidden = true;
  $("finished").hidden = false;
  $("finished").focus();
}

const mark = (name) =>
  once(async () => {
    if (!track) return;
    started = true;
    const set = !toggling || !track.marks.includes(name);
    await judge(set ? [name] : [], set ? [] : [name], !toggling);
  });

const accept = () =>
  once(async () => {
    if (!track) return;
    started = true;
    if (sound.stem + 1 === judgedStems()) return judge([], [], true);
    steps.push({ track: null, stem: sound.stem });
    await show(track.track, sound.stem + 1);
  });

const undo = () =>
  once(async () => {
    const step = steps.pop();
    if (step && step.track === null) return show(track.track, step.stem);
    let state;
    try {
      state = await post("/api/undo");
    } catch (error) {
      if (step) steps.push(step);
      throw error;
    }
    if (state.track === null) return view.say("There is nothing to take back.");
    const known = await ask(`/api/tracks/${state.track}`);
    view.say(`${known.name}: taken back`);
    if (track?.track === state.track && (step?.stem ?? 0) === sound.stem) {
      track.marks = known.marks;
      view.showTally(state);
      return render();
    }
    await show(state.track, step?.stem ?? 0, known);
  });

async function showHistory() {
  let tracks;
  try {
    ({ tracks } = await ask(url("/api/history")));
  } catch (error) {
    return view.say(error.message, true);
  }
  if (document.querySelector("dialog[open]")) return; // the key was pressed twice
  view.showHistory(tracks, (number) => {
    $("history-dialog").close();
    steps.length = 0; // steps within the previous track no longer apply
    once(async () => {
      started = true;
      await show(number, 0, await ask(`/api/tracks/${number}`));
    });
  });
}

function play() {
  started = true;
  if (sound?.transport) sound.transport.speed = speed;
  sound?.transport?.toggle();
}

function toSplit(split) {
  started = true; // if it is not loaded yet, it plays as soon as it is
  if (!sound?.transport) return;
  sound.transport.speed = speed;
  sound.playSplit(split, settings.splits);
}

// At the beginning and at the end there is no split to skip.
function skip() {
  const fresh = !started && !sound?.transport?.position;
  const ended = sound?.transport && sound.transport.position >= sound.duration;
  toSplit(fresh || ended || !sound ? 0 : (sound.split(settings.splits) + 1) % settings.splits);
}

function faster() {
  speed = SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length];
  if (sound?.transport) sound.transport.speed = speed;
  if (track) render();
}

async function compare(which) {
  if (!sound?.transport || track.stems.length < 2) return;
  const mine = sound;
  try {
    const heard = mine.compare(which);
    render();
    await heard;
  } catch (error) {
    view.say(error.message, true);
  }
  if (sound === mine) render();
}

// Cycle through each of the other stems, then all of them together.
function choose() {
  if (!sound?.transport || track.stems.length < 2) return;
  const others = [...track.stems.keys()].filter((each) => each !== sound.stem);
  const choices = ["others", ...others];
  that = choices[(choices.indexOf(that) + 1) % choices.length];
  compare(that);
}

const aOrB = () => compare(sound?.comparing === null ? that : null);

const KEYS = {
  Enter: accept, " ": skip, p: play, s: faster, x: aOrB, o: choose, u: undo, Backspace: undo, h: showHistory,
  "?": () => $("help-dialog").showModal(),
};

function pressed(event) {
  const open = document.querySelector("dialog[open]");
  if (open) return inDialog(event, open);
  if (!forPage(event) || event.repeat || !settings) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const found = settings.marks.find((each) => each.key.toLowerCase() === key);
  const digit = /^[1-9]$/.test(key) ? Number(key) : 0;
  if (found) mark(found.name);
  else if (digit && digit <= settings.splits) toSplit(digit - 1);
  else if (KEYS[key]) KEYS[key]();
  else return;
  event.preventDefault();
}

function inDialog(event, dialog) {
  const items = [...dialog.querySelectorAll("li button")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && items.length) {
    items.at((items.indexOf(document.activeElement) + step) % items.length).focus();
    event.preventDefault();
  } else if (forPage(event) && ["h", "?"].includes(event.key.toLowerCase())) dialog.close();
}

function wire() {
  const buttons = { play, skip, speed: faster, other: choose, accept, history: showHistory, help: KEYS["?"] };
  for (const [id, action] of Object.entries(buttons)) $(id).addEventListener("click", action);
  $("this").addEventListener("click", () => compare(null));
  $("that").addEventListener("click", () => compare(that));
  for (const each of document.querySelectorAll(".close")) {
    each.addEventListener("click", () => each.closest("dialog").close());
  }
  // After a click, return the focus to the page, so that Enter does not press the button again.
  document.addEventListener("click", (event) => {
    if (event.detail) event.target.closest("main button, .top button")?.blur();
  });
  document.addEventListener("keydown", pressed);
  keySwitch($("keys-on"));
  view.seekable(() => sound);
}

function frame() {
  if (settings) view.showPlace(sound, settings.splits);
  requestAnimationFrame(frame);
}

async function open() {
  const found = await ask(url("/api/sitting"));
  settings = found;
  view.build(found, { split: toSplit, mark, undo });
  wire();
  frame();
  view.showTally(found);
  await go({ ...found, next: found.track });
}

open().catch((error) => view.say(error.message, true));
