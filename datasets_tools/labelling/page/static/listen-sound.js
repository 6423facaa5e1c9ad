// The playback of one stem: loaded in advance, divided into splits, and compared with the other stems of its track.

import { ask, loudest } from "./draw.js";
import { Transport } from "./sound.js";

// Ask the server until its answer is ready.
export async function whenReady(url, wanted = () => true) {
  while (wanted()) {
    const found = await ask(url);
    if (found.ready) return found;
  }
  return null;
}

// `loaded` resolves when the first seconds are loaded, or when `error` says why they cannot be.
export class Stem extends EventTarget {
  constructor(track, stem) {
    super();
    this.track = track;
    this.stem = stem;
    this.closed = false;
    this.error = null;
    this.lanes = new Map(); // for the sounds to compare it with
    this.loading = new Map();
    this.comparing = null; // what plays instead of it: "others", or the number of a stem
    this.loaded = this.load();
  }

  url(which) {
    const stems = `/api/tracks/${this.track}/stems`;
    return which === "others" ? `${stems}/${this.stem}-others` : `${stems}/${which}`;
  }

  async load() {
    try {
      const found = await whenReady(this.url(this.stem), () => !this.closed);
      if (this.closed) return;
      this.error = found.error;
      this.warning = found.warning;
      if (found.error) return;
      this.sound = found.sound;
      this.peaks = found.peaks;
      this.transport = new Transport([found.sound]);
      this.duration = this.transport.duration;
      for (const name of ["change", "ended", "trouble"]) {
        this.transport.addEventListener(name, (event) => this.dispatchEvent(new event.constructor(name, event)));
      }
      await this.transport.preload(0);
    } catch (error) {
      this.error = error.message;
    }
  }

  close() {
    this.closed = true;
    this.transport?.close();
    this.transport = null;
  }

  // The number of the current split, from 0.
  split(splits) {
    if (!this.transport) return 0;
    const part = Math.floor(((this.transport.position + 1e-3) / this.duration) * splits);
    return Math.min(splits - 1, part);
  }

  playSplit(split, splits) {
    if (!this.transport) return;
    this.transport.play((split * this.duration) / splits);
    if (split + 1 < splits) this.transport.preload(((split + 1) * this.duration) / splits).catch(() => {});
  }

  // Play `which` instead of the stem (null: the stem), in sync; it is loaded first if necessary.
  async compare(which) {
    this.comparing = which;
    this.mix();
    if (which === null || this.lanes.has(which)) return;
    if (!this.loading.has(which)) this.loading.set(which, this.loadOther(which));
    try {
      await this.loading.get(which);
    } catch (error) {
      if (this.comparing === which) this.comparing = null;
      throw error;
    } finally {
      this.loading.delete(which);
    }
    this.mix();
  }

  async loadOther(which) {
    const found = await whenReady(this.url(which), () => !this.closed);
    if (found?.error) throw new Error(found.error);
    if (this.closed) return;
    const lane = await this.transport.add(found.sound);
    lane.volume = Math.min(1, 1 / Math.max(1e-6, loudest(found.peaks))); // a sum may exceed full scale
    this.lanes.set(which, lane);
  }

  mix() {
    if (!this.transport) return;
    const heard = this.lanes.get(this.comparing);
    this.transport.lanes[0].muted = Boolean(heard);
    for (const lane of this.lanes.values()) lane.muted = lane !== heard;
    this.transport.mix();
  }
}
