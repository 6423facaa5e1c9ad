import assert from "node:assert/strict";
import { test } from "node:test";
import { mixed, pcm, peakOf, wavHead } from "./wav.js";

test("sounds are added at their gains; silence and muted ones add nothing", () => {
  const one = [Float32Array.of(0.5, -0.25), Float32Array.of(0, 0.125)];
  const two = [Float32Array.of(0.25, 0.25), Float32Array.of(1, 1)];
  const sum = mixed([one, null, two, one], [1, 1, 0.5, 0], 2, 2);
  assert.deepEqual(sum.map((samples) => [...samples]), [[0.625, -0.125], [0.5, 0.625]]);
  assert.equal(peakOf(sum), 0.625);
});

test("a sound that ends earlier is silent from there on", () => {
  assert.deepEqual([...mixed([[Float32Array.of(1)]], [1], 1, 3)[0]], [1, 0, 0]);
});

test("samples are those of their depth, interleaved, and clipped at full scale", () => {
  const bytes = pcm([Float32Array.of(1 / 32768, 2), Float32Array.of(-1, -0.5)], 16);
  assert.deepEqual([...new Int16Array(bytes.buffer)], [1, -32768, 32767, -16384]);
  assert.deepEqual([...pcm([Float32Array.of(-1 / 8388608, 0.5)], 24)], [255, 255, 255, 0, 0, 64]);
  assert.deepEqual([...new Int16Array(pcm([Float32Array.of(2)], 16, 0.25).buffer)], [16384]);
});

test("16 bits come back as they were", () => {
  const values = Int16Array.from({ length: 65536 }, (_, i) => i - 32768);
  const samples = Float32Array.from(values, (value) => value / 32768);
  assert.deepEqual(new Int16Array(pcm([samples], 16).buffer), values);
});

test("what a WAV file cannot hold is refused", () => {
  assert.throws(() => wavHead(2 ** 30, 2, 192000, 24), /too long/);
});

test("the head says what follows", () => {
  const head = wavHead(1000, 2, 44100, 24);
  const view = new DataView(head.buffer);
  assert.equal(head.length, 44);
  assert.equal(Buffer.from(head.slice(0, 4)).toString() + Buffer.from(head.slice(8, 16)).toString(), "RIFFWAVEfmt ");
  assert.equal(view.getUint32(4, true), 36 + 6000);
  assert.deepEqual([view.getUint16(22, true), view.getUint32(24, true), view.getUint32(28, true)], [2, 44100, 264600]);
  assert.deepEqual([view.getUint16(32, true), view.getUint16(34, true), view.getUint32(40, true)], [6, 24, 6000]);
});
