// What a person keeps of a song: files of its parts, all of them in a ZIP, and the mix that is heard.

import { ask, make } from "./draw.js";
import { mixDown } from "./mix.js";

const $ = (id) => document.getElementById(id);

// Links to `${url}.${format}` for each format, and where they say what is being made. `what`: for screen readers.
export function fileLinks(what, formats, url, trouble) {
  const status = make("span", { role: "status" });
  const links = formats.map((format) => {
    const text = format.toUpperCase();
    const link = make("a", { href: url(format), download: "", "aria-label": `${what} as ${text}` }, text);
    if (format !== "wav") link.addEventListener("click", (event) => made(event, link, status, trouble));
    return link;
  });
  return [...links, status];
}

// The server makes some files when they are first asked for, which takes some seconds.
async function made(event, link, status, trouble) {
  if (link.made) return;
  event.preventDefault();
  if (link.making) return;
  link.making = true;
  status.textContent = `making the ${link.textContent} …`;
  try {
    await ask(link.href, { method: "HEAD" });
    link.made = true;
    link.click();
  } catch (error) {
    trouble(error.message);
  }
  link.making = false;
  status.textContent = "";
}

// The links to all parts, and the button that saves the mix of `transport`.
export function keeping(job, url, transport, trouble) {
  $("zip").append(...fileLinks("All parts", job.formats, (format) => url(`parts.${format}.zip`), trouble));
  const button = $("save-mix");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const tell = (share) => ($("mix-said").textContent = `Mixing … ${Math.floor(100 * share)} %`);
      const { file, softer } = await mixDown(transport.lanes, tell);
      save(file, `${job.title} - mix.wav`);
      $("mix-said").textContent = softer ? `Saved, ${softer.toFixed(1)} dB softer, or it would distort.` : "Saved.";
    } catch (error) {
      $("mix-said").textContent = "";
      trouble(error.message);
    }
    button.disabled = false;
  });
}

function save(file, name) {
  const address = URL.createObjectURL(file);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
