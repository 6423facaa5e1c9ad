// The first page: choose what to take out and songs, send them, and see what becomes of them.

import { Choice } from "./choice.js";
import { ask } from "./draw.js";
import { Songs } from "./songs.js";
import { Uploads } from "./uploads.js";

const $ = (id) => document.getElementById(id);
const EXAMPLE = "static/song.ogg";
const songs = new Songs();
const uploads = new Uploads(showUploads, () => songs.fewer());
let limits = { megabytes: Infinity };
let choice;

async function begin() {
  try {
    const [offered] = await Promise.all([ask("api/models"), songs.look()]);
    limits = offered.limits;
    choice = new Choice(offered.models);
    const most = `Each at most ${limits.megabytes} MB and ${limits.minutes} minutes`;
    $("limits").textContent = `${most}; WAV, FLAC, MP3, M4A, OGG, WebM and others.`;
    $("link").hidden = !limits.youtube;
  } catch (error) {
    trouble(error.message);
  }
  document.querySelector("main").removeAttribute("data-loading");
}

function trouble(message) {
  $("trouble").textContent = message;
}

function showUploads() {
  const alone = uploads.items.length === 1 ? uploads.items[0] : null; // whose page comes next
  songs.uploads = alone ? [] : uploads.items;
  songs.show();
  $("sent").hidden = !alone || alone.state !== "sending" || !alone.file;
  $("sent").value = alone ? alone.share : 0;
}

// One song leads to its page; of several, the list shows what becomes of them.
async function separate(wanted) {
  trouble("");
  const models = choice.ticked;
  if (!models.length) return trouble("Tick what to take out.");
  const [example] = $("sample-file").files;
  if (choice.needsExample && !example) return trouble("Choose an example of the sound to take out.");
  const most = limits.example_megabytes;
  if (choice.needsExample && example.size > most * 1e6) return trouble(`The example is larger than ${most} MB.`);
  const items = wanted.map((song) => {
    const form = new FormData();
    for (const model of models) form.append("model", model.name);
    if (choice.needsExample) form.set("example", example);
    form.set(song.file ? "song" : "youtube", song.file ?? song.link);
    return { ...song, title: song.file ? song.file.name : song.link, form };
  });
  const alone = items.length === 1 && !uploads.going;
  if (alone) uploads.items.length = 0; // those before are over, and jobs if they were taken
  $("separate").disabled = $("example").disabled = alone;
  const sent = uploads.add(items);
  if (!alone) {
    clearChosen();
    $("songs").scrollIntoView({ block: "nearest" });
    songs.look();
    return;
  }
  await sent;
  const [item] = items;
  if (item.job) location.href = `jobs/${item.job.id}`;
  else {
    trouble(item.said);
    uploads.items.length = 0;
    showUploads();
    $("separate").disabled = $("example").disabled = false;
  }
}

function clearChosen() {
  $("song").value = "";
  $("youtube").value = "";
  showChosen();
}

function showChosen() {
  const names = [...$("song").files].map((file) => file.name);
  $("chosen").textContent = names.length > 1 ? `${names.length} songs: ${names.join(", ")}` : "";
}

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const link = $("youtube").value.trim();
  const files = [...$("song").files];
  if (!files.length && !link) return trouble("Choose a song, or give the link of a video.");
  const large = files.filter((file) => file.size > limits.megabytes * 1e6).map((file) => file.name);
  if (!link && large.length) return trouble(`Larger than ${limits.megabytes} MB: ${large.join(", ")}.`);
  separate(link ? [{ link }] : files.map((file) => ({ file })));
});

$("example").addEventListener("click", async () => {
  $("example").disabled = true;
  try {
    const answer = await fetch(EXAMPLE);
    if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
    await separate([{ file: new File([await answer.blob()], "Example song.ogg", { type: "audio/ogg" }) }]);
  } catch (error) {
    trouble(error.message);
  }
  $("example").disabled = false;
});

$("song").addEventListener("change", showChosen);

const boxes = [$("drop"), $("sample")];
const boxOf = (event) => ($("sample").contains(event.target) ? $("sample") : $("drop"));
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    for (const box of boxes) box.classList.toggle("over", box === boxOf(event));
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) for (const box of boxes) box.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  for (const box of boxes) box.classList.remove("over");
  const { files } = event.dataTransfer;
  if (!files.length) return;
  if (boxOf(event) === $("sample")) {
    const first = new DataTransfer();
    first.items.add(files[0]);
    $("sample-file").files = first.files;
    return;
  }
  $("song").files = files;
  showChosen();
});
window.addEventListener("beforeunload", (event) => {
  if (uploads.items.length > 1 && uploads.going) event.preventDefault(); // those that are not sent yet would be lost
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // came back: what was disabled and listed is old
});

begin();
