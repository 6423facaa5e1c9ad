// The parts of a song: in words, and which come out of the models that are ticked. Nothing here needs a browser.

const WORDS = { rest: "the rest", other: "everything else" };

export const titled = (text) => text[0].toUpperCase() + text.slice(1);

// ["vocals", "guitar", "rest"] -> "vocals, guitar and the rest"
export function inWords(parts) {
  const words = parts.map((part) => WORDS[part] ?? part);
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

// Two models that take out the same part do not go together: the names of those of `ticked` that give way to `model`.
export function givingWay(model, ticked) {
  const clashes = (other) => other.takes.some((part) => model.takes.includes(part));
  return ticked.filter((other) => other !== model && clashes(other)).map((other) => other.name);
}

// The parts that come out of these models together; the last is what the others leave.
export function partsOf(ticked) {
  if (!ticked.length) return [];
  return [...ticked.flatMap((model) => model.takes), ticked.length === 1 ? ticked[0].remainder : "rest"];
}
