// Sounds mixed and written as WAV. Nothing here needs a browser.

// The sum of sounds, each an array of channels (or null: silence), each times its gain: an array of channels.
export function mixed(sounds, gains, channels, frames) {
  const sum = Array.from({ length: channels }, () => new Float32Array(frames));
  sounds.forEach((sound, number) => {
    if (!sound || !gains[number]) return;
    sum.forEach((samples, channel) => {
      const given = sound[channel];
      for (let i = 0; i < given.length; i++) samples[i] += gains[number] * given[i];
    });
  });
  return sum;
}

export const peakOf = (channels) =>
  channels.reduce((peak, samples) => samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), peak), 0);

// The bytes of PCM samples, `bits` 16 or 24, little-endian, of channels from -1 to 1 times `gain`.
export function pcm(channels, bits, gain = 1) {
  const bytes = bits / 8;
  const full = 2 ** (bits - 1);
  const data = new Uint8Array(channels.length * channels[0].length * bytes);
  let at = 0;
  for (let i = 0; i < channels[0].length; i++) {
    for (const samples of channels) {
      const value = Math.max(-full, Math.min(full - 1, Math.round(samples[i] * gain * full)));
      for (let byte = 0; byte < bytes; byte++) data[at++] = (value >> (8 * byte)) & 255;
    }
  }
  return data;
}

// The head of a WAV file: RIFF, WAVE, and the two chunks "fmt " and "data" (without what follows it). An Error where
// the file would be larger than its fields can say.
export function wavHead(frames, channels, rate, bits) {
  const block = (channels * bits) / 8;
  if (36 + frames * block >= 2 ** 32) throw new Error("This song is too long for one WAV file.");
  const view = new DataView(new ArrayBuffer(44));
  const word = (at, text) => [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  word(0, "RIFF");
  view.setUint32(4, 36 + frames * block, true);
  word(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * block, true);
  view.setUint16(32, block, true);
  view.setUint16(34, bits, true);
  word(36, "data");
  view.setUint32(40, frames * block, true);
  return new Uint8Array(view.buffer);
}
