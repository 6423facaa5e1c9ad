// A WAV file on a server, fetched a few seconds at a time.

import { SAID } from "./draw.js";
import { SEGMENT } from "./timeline.js";

const KEPT = 10; // segments that a lane remembers

// One sound: {url, rate, channels, frames, depth, offset}, as wav.layout has it.
export class Lane {
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

  // Those of its AudioBuffers: browsers know places for 1, 2, 4 and 6.
  get heardChannels() {
    return [1, 2, 4, 6].includes(this.channels) ? this.channels : 1;
  }

  get segmentFrames() {
    return SEGMENT * this.rate;
  }

  // A promise of the AudioBuffer of segment `index`, or of null behind the sound's end.
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
    if (this.heardChannels !== this.channels) return this.folded(sample, frames);
    const buffer = this.context.createBuffer(this.channels, frames, this.rate);
    for (let channel = 0; channel < this.channels; channel++) {
      const samples = buffer.getChannelData(channel);
      for (let i = 0, at = channel; i < frames; i++, at += this.channels) samples[i] = sample(at);
    }
    return buffer;
  }

  // The mean of channels that a browser would leave out.
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
