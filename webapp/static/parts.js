// The parts of a song in words.

const WORDS = { rest: "the rest", other: "everything else" };

export const titled = (text) => text[0].toUpperCase() + text.slice(1);

// ["vocals", "guitar", "rest"] -> "vocals, guitar and the rest"
export function inWords(parts) {
  const words = parts.map((part) => WORDS[part] ?? part);
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
