// Sounds in step: WAV files on a server, fetched a few seconds at a time and played on one clock (Web Audio).

import { SAID } from "./draw.js";

const SEGMENT = 4; // seconds fetched at once
const AHEAD = 10; // seconds of sound that are scheduled before they are heard
const KEPT = 10; // segments that a lane remembers

// One sound: {url, rate, channels, frames, depth, offset}, as wav.layout has it.
class Lane {
  constructor(sound, context) {
    Object.assign(this, sound);
    this.context = context;
    this.gain = context.createGain();
    this.gain.connect(context.destination);
    this.volume = 1;
    this.muted = false;
    this.solo = false;
    this.kept = new Map();
    this.frameBytes = this.channels * { 16: 2, 24: 3, float: 4 }[this.depth];
  }

  get segmentFrames() {
    return SEGMENT * this.rate;
  }

  // The AudioBuffer of segment `index`, or null behind the sound's end.
  segment(index) {
    if (index * this.segmentFrames >= this.frames) return Promise.resolve(null);
    if (!this.kept.has(index)) {
      const fetched = this.fetched(index);
      fetched.catch(() => this.kept.delete(index));
      this.kept.set(index, fetched);
      while (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
    }
    return this.kept.get(index);
  }

  async fetched(index) {
    const first = index * this.segmentFrames;
    const frames = Math.min(this.segmentFrames, this.frames - first);
    const from = this.offset + first * this.frameBytes;
    const headers = { Range: `bytes=${from}-${from + frames * this.frameBytes - 1}` };
    const answer = await fetch(this.url, { headers }).catch(() => {
      throw new Error("The server does not answer.");
    });
    if (answer.status !== 206) throw new Error(SAID[answer.status] || `The sound did not come (${answer.status}).`);
    const bytes = await answer.arrayBuffer();
    const sample = reader(bytes, this.depth);
    if (![1, 2, 4, 6].includes(this.channels)) return this.folded(sample, frames);
    const buffer = this.context.createBuffer(this.channels, frames, this.rate);
    for (let channel = 0; channel < this.channels; channel++) {
      const samples = buffer.getChannelData(channel);
      for (let i = 0, at = channel; i < frames; i++, at += this.channels) samples[i] = sample(at);
    }
    return buffer;
  }

  // The mean of channels that browsers know no places for, and would leave out.
  folded(sample, frames) {
    const buffer = this.context.createBuffer(1, frames, this.rate);
    const samples = buffer.getChannelData(0);
    for (let i = 0; i < frames; i++) {
      let sum = 0;
      for (let channel = 0; channel < this.channels; channel++) sum += sample(i * this.channels + channel);
      samples[i] = sum / this.channels;
    }
    return buffer;
  }
}

// A function that gives the sample at a place in little-endian PCM.
function reader(bytes, depth) {
  if (depth === "16") {
    const values = new Int16Array(bytes);
    return (at) => values[at] / 32768;
  }
  if (depth === "float") {
    const values = new Float32Array(bytes);
    return (at) => values[at];
  }
  const values = new Uint8Array(bytes);
  return (at) => ((values[3 * at] << 8) | (values[3 * at + 1] << 16) | (values[3 * at + 2] << 24)) / 2147483648;
}

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
    this.rate = 1;
    this.generation = 0;
    this.sources = new Set();
    this.startPosition = 0;
    this.startTime = 0;
    this.timer = setInterval(() => this.tick(), 60);
  }

  // Release what it holds; it cannot be used afterwards.
  close() {
    clearInterval(this.timer);
    this.stopSources();
    this.context.close();
  }

  get position() {
    if (!this.playing) return this.startPosition;
    const gone = Math.max(0, this.context.currentTime - this.startTime) * this.rate;
    return Math.min(this.duration, this.startPosition + gone);
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

  // How loud each lane is: its volume, unless it is muted or others are heard alone.
  mix() {
    const alone = this.lanes.some((lane) => lane.solo);
    for (const lane of this.lanes) {
      const heard = alone ? lane.solo : !lane.muted;
      lane.gain.gain.setTargetAtTime(heard ? lane.volume : 0, this.context.currentTime, 0.01);
    }
    this.changed();
  }

  begin(position) {
    this.stopSources();
    this.playing = true;
    this.waiting = false;
    this.startPosition = position;
    this.startTime = this.context.currentTime + 0.03;
    this.next = this.ready = Math.floor(position / SEGMENT);
    this.done = new Set(); // segments that are scheduled, in any order; all below `ready` are
    if (this.context.state === "suspended") this.clock(true);
    this.tick();
  }

  // Let the clock run or stand. That may be given up: the context is closed when another sound takes its place.
  clock(runs) {
    (runs ? this.context.resume() : this.context.suspend()).catch(() => {});
  }

  stopSources() {
    this.generation++;
    for (const source of this.sources) source.stop();
    this.sources.clear();
  }

  tick() {
    if (!this.playing) return;
    const now = this.position;
    if (now >= this.duration - 1e-3) {
      this.pause();
      this.seek(this.duration); // it stands a moment before
      this.dispatchEvent(new Event("ended"));
      return;
    }
    while (this.next * SEGMENT < Math.min(this.duration, now + AHEAD * this.rate)) this.schedule(this.next++);
    // One clock for all: where sound is missing it stands still, for every lane.
    const edge = this.ready * SEGMENT;
    const missing = edge < this.duration && now > edge - 0.2 * this.rate;
    // Asked for at every tick, for a browser may forget one of two that come close together.
    if (missing && this.context.state === "running") this.clock(false);
    if (!missing && this.context.state === "suspended") this.clock(true);
    if (missing !== this.waiting) {
      this.waiting = missing;
      this.changed();
    }
  }

  async schedule(index) {
    const generation = this.generation;
    let buffers;
    try {
      buffers = await Promise.all(this.lanes.map((lane) => lane.segment(index)));
    } catch (error) {
      if (generation !== this.generation) return;
      this.pause();
      this.dispatchEvent(new CustomEvent("trouble", { detail: error.message }));
      return;
    }
    if (generation !== this.generation) return;
    let when = this.startTime + (index * SEGMENT - this.startPosition) / this.rate;
    let offset = 0;
    const late = this.context.currentTime + 0.01 - when; // or its beginning lies before the start
    if (late > 0) {
      when += late;
      offset = late * this.rate;
    }
    buffers.forEach((buffer, number) => {
      if (!buffer || offset >= buffer.duration) return;
      const source = this.context.createBufferSource();
      source.buffer = buffer;
      source.playbackRate.value = this.rate;
      source.connect(this.lanes[number].gain);
      source.onended = () => this.sources.delete(source);
      source.start(when, offset);
      this.sources.add(source);
    });
    this.done.add(index);
    while (this.done.has(this.ready)) this.ready++;
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}
