import assert from "node:assert/strict";
import { test } from "node:test";
import { gainsOf, loopBetween, pieceAt, placeAt, sectionAt, sectionBefore, SEGMENT } from "./timeline.js";

// The pieces that follow each other from `from` on, until the song's end or `most` are there.
function pieces(from, duration, loop = null, most = 20, rate = 1) {
  const all = [];
  let when = 100;
  for (let next = from; next !== null && all.length < most; ) {
    const piece = { ...pieceAt(next, duration, loop), when };
    all.push(piece);
    when += (piece.to - piece.from) / rate;
    next = piece.next;
  }
  return all;
}

test("pieces fill the song without a gap, and lie within one segment each", () => {
  for (const from of [0, 1.5, SEGMENT, 9.999]) {
    const all = pieces(from, 10.5);
    assert.equal(all[0].from, from);
    assert.equal(all.at(-1).to, 10.5);
    all.slice(1).forEach((piece, number) => assert.equal(piece.from, all[number].to));
    for (const { from, to } of all) assert.ok(from < to && Math.ceil(to / SEGMENT) === Math.floor(from / SEGMENT) + 1);
  }
});

test("a song that ends with a segment ends there", () => {
  assert.deepEqual(pieceAt(4, 8, null), { from: 4, to: 8, next: null });
});

test("a loop begins again at its start, over as many segments as it has", () => {
  const all = pieces(0, 30, { start: 3, end: 9 }, 7);
  assert.deepEqual(
    all.map(({ from, to }) => [from, to]),
    [[0, 4], [4, 8], [8, 9], [3, 4], [4, 8], [8, 9], [3, 4]],
  );
});

test("who starts behind a loop plays on; a loop to the end of the song begins again", () => {
  assert.equal(pieces(10, 20, { start: 3, end: 9 }).at(-1).to, 20);
  assert.equal(pieceAt(17, 20, { start: 3, end: 20 }).next, 3);
});

test("the place follows the clock, also through a loop and at another tempo", () => {
  for (const rate of [0.5, 1, 1.5]) {
    const all = pieces(2, 30, { start: 2, end: 5 }, 12, rate);
    for (let gone = 0; gone < 12; gone += 0.25) {
      const expected = 2 + (gone % 3);
      assert.ok(Math.abs(placeAt(all, 100 + gone / rate + 1e-9, rate) - expected) < 1e-6, `${rate} ${gone}`);
    }
  }
});

test("before it is heard the place is the first one, and it never passes the last", () => {
  const all = pieces(3, 6);
  assert.equal(placeAt(all, 99, 1), 3);
  assert.equal(placeAt(all, 1000, 1), 6);
});

test("a loop has its places in order, inside the song, and is not too short", () => {
  assert.deepEqual(loopBetween(5, 2, 30), { start: 2, end: 5 });
  assert.deepEqual(loopBetween(-1, 99, 30), { start: 0, end: 30 });
  assert.equal(loopBetween(3, 3.05, 30), null);
});

test("lanes that are heard alone silence the others, even where they are muted", () => {
  const lane = (volume, muted = false, solo = false) => ({ volume, muted, solo });
  assert.deepEqual(gainsOf([lane(1, true), lane(0.5), lane(1.5)]), [0, 0.5, 1.5]);
  assert.deepEqual(gainsOf([lane(1, true, true), lane(0.5), lane(1.5)]), [1, 0, 0]);
});

test("a section is heard from its start on, and back leads to its start first, then to the one before", () => {
  const sections = [{ start: 0, end: 8 }, { start: 8, end: 20 }, { start: 20, end: 30 }];
  const places = [0, 7.9, 8, 19, 20, 30];
  assert.deepEqual(places.map((place) => sectionAt(sections, place)), [0, 0, 1, 1, 2, 2]);
  assert.deepEqual(places.map((place) => sectionBefore(sections, place)), [0, 0, 0, 1, 1, 2]);
  assert.equal(sectionAt([], 3), -1);
});
