// Sounds in step: WAV files on a server, played on one clock (Web Audio).

import { Lane } from "./lane.js";
import { SEGMENT, gainsOf, pieceAt, placeAt } from "./timeline.js";

const AHEAD = 10; // seconds of sound that are scheduled before they are heard
const FADE = 0.005; // seconds

// Plays sounds together. Events: "change" (playing, seeking, loudness), "ended", "trouble" (detail: what went wrong).
export class Transport extends EventTarget {
  constructor(sounds) {
    super();
    const rate = sounds[0].rate;
    try {
      // At the sound's own rate, nothing is resampled between the segments.
      this.context = new AudioContext({ sampleRate: rate });
    } catch {
      this.context = new AudioContext();
    }
    this.lanes = sounds.map((sound) => new Lane(sound, this.context));
    this.duration = Math.max(...this.lanes.map((lane) => lane.frames / lane.rate));
    this.playing = false;
    this.waiting = false; // for sound that is not there yet
    this.rate = 1; // song seconds for each second
    this.loop = null; // {start, end}, which is heard again and again
    this.stretch = null; // what changes tempo and pitch, where they are changed; see `stretchBy`
    this.generation = 0;
    this.sources = new Set();
    this.startPosition = 0;
    this.pieces = []; // that are scheduled, as pieceAt has them, with `when` they are heard
    this.timer = setInterval(() => this.tick(), 60);
  }

  // Release what it holds; it cannot be used afterwards.
  close() {
    clearInterval(this.timer);
    this.stopSources();
    this.context.close();
  }

  get position() {
    if (!this.playing || !this.pieces.length) return this.startPosition;
    return placeAt(this.pieces, this.context.currentTime, this.rate);
  }

  // Have the sound at `seconds` ready before it is wanted.
  preload(seconds) {
    const index = Math.floor(seconds / SEGMENT);
    return Promise.all(this.lanes.map((lane) => lane.segment(index)));
  }

  // Another sound in step with the others, muted until `mix` is told otherwise; it joins when it is loaded.
  async add(sound) {
    const lane = new Lane(sound, this.context);
    lane.muted = true;
    lane.gain.gain.value = 0;
    await lane.segment(Math.floor(this.position / SEGMENT));
    this.lanes.push(lane);
    if (this.playing) this.begin(this.position);
    return lane;
  }

  play(from = this.position) {
    if (from >= this.duration) from = 0;
    this.begin(from);
    this.changed();
  }

  pause() {
    if (!this.playing) return;
    this.startPosition = this.position;
    this.playing = false;
    this.stopSources();
    this.changed();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  seek(seconds) {
    const position = Math.min(this.duration, Math.max(0, seconds));
    if (this.playing) this.begin(position);
    else this.startPosition = position;
    this.changed();
  }

  get speed() {
    return this.rate;
  }

  // As on a tape: the pitch goes with it.
  set speed(rate) {
    const position = this.position;
    this.rate = rate;
    if (this.playing) this.begin(position);
    this.changed();
  }

  // Play this much faster and as many semitones higher, both by `stretch`, which is made for these lanes; or by nothing
  // where it is null.
  stretchBy(stretch, rate, semitones) {
    const position = this.position;
    this.stopSources();
    Object.assign(this, { stretch, rate, semitones });
    if (this.playing) this.begin(position);
    this.changed();
  }

  // Hear {start, end} again and again, or (null) play on.
  loopOver(loop) {
    const position = this.position;
    this.loop = loop && { start: this.onFrame(loop.start), end: this.onFrame(loop.end) };
    const inside = !loop || position < loop.end;
    if (this.playing) this.begin(inside ? position : this.loop.start);
    this.changed();
  }

  // Places and times are those of whole frames, so that no click is where two pieces meet.
  onFrame(seconds) {
    return Math.round(seconds * this.context.sampleRate) / this.context.sampleRate;
  }

  mix() {
    gainsOf(this.lanes).forEach((gain, number) => {
      this.lanes[number].gain.gain.setTargetAtTime(gain, this.context.currentTime, 0.01);
    });
    this.changed();
  }

  begin(position) {
    this.stopSources();
    this.playing = true;
    this.waiting = false;
    this.startPosition = this.next = this.onFrame(position);
    this.nextTime = this.onFrame(this.context.currentTime + (this.stretch ? 0.2 : 0.03));
    this.pieces = [];
    this.stretch?.begin(this.nextTime, this.rate, this.semitones);
    if (this.context.state === "suspended") this.clock(true);
    this.tick();
  }

  // Let the clock run or stand. That may be given up: the context is closed when another sound takes its place.
  clock(runs) {
    (runs ? this.context.resume() : this.context.suspend()).catch(() => {});
  }

  stopSources() {
    this.generation++;
    this.stretch?.end();
    for (const source of this.sources) source.stop();
    this.sources.clear();
  }

  tick() {
    if (!this.playing) return;
    const now = this.context.currentTime;
    if (this.next === null && now >= this.nextTime - 1e-3) {
      this.pause();
      this.seek(this.duration); // it stands a moment before
      this.dispatchEvent(new Event("ended"));
      return;
    }
    while (this.next !== null && this.nextTime < now + AHEAD) this.schedule();
    // One clock for all: where sound is missing it stands still, for every lane.
    const open = this.pieces.find((piece) => !piece.started);
    const missing = Boolean(open) && now > open.when - 0.2;
    // Asked for at every tick, for a browser may forget one of two that come close together.
    if (missing && this.context.state === "running") this.clock(false);
    if (!missing && this.context.state === "suspended") this.clock(true);
    if (missing !== this.waiting) {
      this.waiting = missing;
      this.changed();
    }
  }

  // Let the piece at `next` be heard at `nextTime`, as soon as it and those before it are loaded.
  async schedule() {
    const generation = this.generation;
    const piece = { ...pieceAt(this.next, this.duration, this.loop), when: this.nextTime };
    this.pieces = [...this.pieces.filter((each) => each.when > this.context.currentTime - 2 * AHEAD), piece];
    this.next = piece.next;
    this.nextTime += (piece.to - piece.from) / this.rate;
    try {
      piece.buffers = await Promise.all(this.lanes.map((lane) => lane.segment(Math.floor(piece.from / SEGMENT))));
    } catch (error) {
      if (generation !== this.generation) return;
      this.pause();
      this.dispatchEvent(new CustomEvent("trouble", { detail: error.message }));
      return;
    }
    if (generation !== this.generation) return;
    for (const each of this.pieces) {
      if (each.started) continue;
      if (!each.buffers) return;
      if (this.stretch) this.stretch.add(each.buffers, each.from % SEGMENT, each.to - each.from);
      else this.start(each);
      each.buffers = null;
      each.started = true;
    }
  }

  // Hear a piece by the browser's own sources.
  start({ buffers, when, from, to, next }) {
    const late = Math.max(0, this.context.currentTime + 0.01 - when);
    const offset = (from % SEGMENT) + late * this.rate;
    const length = to - from - late * this.rate;
    buffers.forEach((buffer, number) => {
      if (!buffer || length <= 0 || offset >= buffer.duration) return;
      const source = this.context.createBufferSource();
      source.buffer = buffer;
      source.playbackRate.value = this.rate;
      const seams = [from === this.loop?.start, next !== null && next !== to];
      source.connect(this.faded(this.lanes[number].gain, seams, when + late, when + (to - from) / this.rate));
      source.onended = () => this.sources.delete(source);
      source.start(when + late, offset, length);
      this.sources.add(source);
    });
  }

  // What leads to `target`, and fades where a loop's seam would click: at `when` or `end`, as the two of `seams` say.
  faded(target, seams, when, end) {
    if (!seams.includes(true)) return target;
    const node = this.context.createGain();
    const { gain } = node;
    node.connect(target);
    if (seams[0]) gain.setValueAtTime(0, when).linearRampToValueAtTime(1, when + FADE);
    if (seams[1]) gain.setValueAtTime(1, Math.max(when + FADE, end - FADE)).linearRampToValueAtTime(0, end);
    return node;
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}
