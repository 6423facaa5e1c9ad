// The mix that is heard, as a WAV file that the browser makes.

import { gainsOf } from "./timeline.js";
import { mixed, pcm, peakOf, wavHead } from "./wav.js";

// A promise of {file, softer}: a Blob with the lanes at their volumes, at the song's own tempo and pitch, and by how
// many dB it had to be made softer, lest it distort. `tell(share)` hears how much is done.
export async function mixDown(lanes, tell) {
  const first = await mixedFile(lanes, 1, tell);
  if (first.peak <= 1.0001) return { file: first.file, softer: 0 };
  const { file } = await mixedFile(lanes, 1 / first.peak, tell);
  return { file, softer: 20 * Math.log10(first.peak) };
}

// A promise of {file, peak}: the mix times `gain`, and its largest sample without it.
async function mixedFile(lanes, gain, tell) {
  const gains = gainsOf(lanes);
  const { frames, depth, rate, heardChannels, segmentFrames } = lanes[0];
  const bits = depth === "16" ? 16 : 24;
  const pieces = [wavHead(frames, heardChannels, rate, bits)];
  let peak = 0;
  for (let index = 0; index * segmentFrames < frames; index++) {
    const buffers = await Promise.all(lanes.map((lane, number) => (gains[number] ? lane.segment(index) : null)));
    const length = Math.min(segmentFrames, frames - index * segmentFrames);
    const sum = mixed(buffers.map((buffer) => buffer && channelsOf(buffer)), gains, heardChannels, length);
    peak = Math.max(peak, peakOf(sum));
    pieces.push(new Blob([pcm(sum, bits, gain)])); // a browser may keep it on disk
    tell(Math.min(1, ((index + 1) * segmentFrames) / frames));
  }
  return { file: new Blob(pieces, { type: "audio/wav" }), peak };
}

function channelsOf(buffer) {
  return Array.from({ length: buffer.numberOfChannels }, (_, channel) => buffer.getChannelData(channel));
}
