// The first page: choose models and a song, send it, and see earlier results.

import { about, ask, make } from "./draw.js";
import { inWords } from "./parts.js";

const $ = (id) => document.getElementById(id);
const STATES = {
  waiting: "waiting",
  running: "being separated",
  done: "done",
  failed: "failed",
  cancelled: "cancelled",
  interrupted: "interrupted",
};
let limits = { megabytes: Infinity };
let choices = []; // {name, takes, remainder, box, clash} of each model

async function begin() {
  try {
    const [offered, mine] = await Promise.all([ask("api/models"), ask("api/jobs")]);
    limits = offered.limits;
    showModels(offered.models);
    $("limits").textContent = `At most ${limits.megabytes} MB and ${limits.minutes} minutes; WAV, FLAC, MP3, M4A, OGG, WebM and others.`;
    $("link").hidden = !limits.youtube;
    showResults(mine.jobs);
  } catch (error) {
    trouble(error.message);
  }
  document.querySelector("main").removeAttribute("data-loading");
}

function showModels(models) {
  choices = models.map((model, number) => {
    const box = make("input", { type: "checkbox", name: "model", value: model.name });
    box.checked = number === 0;
    box.addEventListener("change", showParts);
    const { score } = model;
    const scored = score ? `, ${score.measure}: ${score.value.toFixed(1)}` : "";
    const about = make("span", { class: "quiet", title: score && `on ${score.data}` }, `model ${model.name}${scored}`);
    const clash = make("span", { class: "quiet clash" });
    $("models").append(make("label", {}, box, make("strong", {}, inWords(model.takes)), about, clash));
    return { ...model, box, clash };
  });
  showParts();
}

const chosen = () => choices.filter((choice) => choice.box.checked);

// Which parts come out of the models that are ticked, and which others take out one of these too.
function showParts() {
  const ticked = chosen();
  for (const choice of choices) {
    const shared = (other) => other !== choice && other.takes.find((part) => choice.takes.includes(part));
    const other = ticked.find(shared);
    choice.box.disabled = Boolean(other);
    choice.clash.textContent = other ? `Not together with ${other.name}, which takes out ${shared(other)} too.` : "";
  }
  const parts = ticked.flatMap((choice) => choice.takes);
  const left = ticked.length === 1 ? ticked[0].remainder : "rest";
  $("parts").textContent = ticked.length ? inWords([...parts, left]) : "nothing yet; tick what to take out";
}

function showResults(jobs) {
  $("earlier").hidden = !jobs.length;
  const items = jobs.map((job) => {
    let said = STATES[job.state];
    if (job.state === "done") said += `, kept for ${about(job.expires - Date.now() / 1000).replace("about ", "")}`;
    const link = make("a", { href: `jobs/${job.id}` }, job.title);
    const when = new Date(job.created * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    return make("li", {}, link, make("span", { class: "quiet" }, `${when}, ${inWords(job.parts)}: ${said}`));
  });
  $("results").replaceChildren(...items);
}

function trouble(message) {
  $("trouble").textContent = message;
}

// With XMLHttpRequest, which tells how much has been sent.
function send(form) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "api/jobs");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) $("sent").value = event.loaded / event.total;
    };
    request.onload = () => {
      let content = {};
      try {
        content = JSON.parse(request.responseText);
      } catch {
        content = {};
      }
      if (request.status === 202) resolve(content);
      else reject(new Error(content.message || `The server answered ${request.status}.`));
    };
    request.onerror = () => reject(new Error("The upload broke off: the server does not answer."));
    request.send(form);
  });
}

$("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  trouble("");
  const models = chosen();
  if (!models.length) return trouble("Tick what to take out.");
  const file = $("song").files[0];
  const link = $("youtube").value.trim();
  if (!file && !link) return trouble("Choose a song, or give the link of a video.");
  if (!link && file.size > limits.megabytes * 1e6) return trouble(`The file is larger than ${limits.megabytes} MB.`);
  const form = new FormData();
  for (const model of models) form.append("model", model.name);
  if (link) form.set("youtube", link);
  else form.set("song", file);
  const button = event.target.querySelector("button");
  button.disabled = true;
  $("sent").value = 0;
  $("sent").hidden = !file;
  try {
    const job = await send(form);
    location.href = `jobs/${job.id}`;
  } catch (error) {
    trouble(error.message);
    button.disabled = false;
    $("sent").hidden = true;
  }
});

const drop = $("drop");
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const { files } = event.dataTransfer;
  trouble(files.length > 1 ? "One song at a time, please." : "");
  if (files.length === 1) $("song").files = files;
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // came back: what was disabled and listed is old
});

begin();
