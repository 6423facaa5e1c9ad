// Which piece of a song is heard when, with or without a loop. Times are in seconds; nothing here needs a browser.

export const SEGMENT = 4; // of a song, which is fetched at once
export const SHORTEST = 0.1; // of a loop

// The piece of a song that is played at the place `from`: {from, to, next}. It ends with its segment, the loop or the
// song; `next` is where the piece after it begins, or null at the end of the song. `loop`: {start, end} or null; who
// starts behind its end plays on to the end of the song.
export function pieceAt(from, duration, loop) {
  const segmentEnd = (Math.floor(from / SEGMENT) + 1) * SEGMENT;
  const to = Math.min(duration, segmentEnd);
  if (loop && from < loop.end && to >= loop.end) return { from, to: loop.end, next: loop.start };
  return { from, to, next: to < duration ? to : null };
}

// The place in the song at `time` of the clock. `pieces`: in order, each with `when` it begins; `rate`: song per clock.
export function placeAt(pieces, time, rate) {
  const begun = pieces.findLast((piece) => piece.when <= time) ?? pieces[0];
  return Math.min(begun.to, begun.from + Math.max(0, time - begun.when) * rate);
}

// A loop between two places, in any order; null where it would be too short.
export function loopBetween(one, other, duration) {
  const start = Math.max(0, Math.min(one, other));
  const end = Math.min(duration, Math.max(one, other));
  return end - start >= SHORTEST ? { start, end } : null;
}

// Which of `sections` (each with `start` and `end`, in order) is heard at `position`; -1 where there is none.
export function sectionAt(sections, position) {
  return sections.findLastIndex(({ start }) => start <= position + 1e-3);
}

// Where "back" leads: to the start of the section that is heard or, if it has only just begun, to the one before.
export function sectionBefore(sections, position, just = 1.5) {
  const here = sectionAt(sections, position);
  return here > 0 && position - sections[here].start < just ? here - 1 : Math.max(0, here);
}

// How loud each lane is: its volume, unless it is muted or others are heard alone.
export function gainsOf(lanes) {
  const alone = lanes.some((lane) => lane.solo);
  return lanes.map((lane) => ((alone ? lane.solo : !lane.muted) ? lane.volume : 0));
}
