// The first page: choose a model and a song, send it, and see earlier results.

import { about, ask, make } from "./draw.js";

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

async function begin() {
  try {
    const [offered, mine] = await Promise.all([ask("/api/models"), ask("/api/jobs")]);
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
  models.forEach((model, number) => {
    const choice = make("input", { type: "radio", name: "model", value: model.name });
    choice.checked = number === 0;
    const score = model.score;
    const said = score ? `${score.measure}: ${score.value.toFixed(1)}` : "not scored";
    const label = make("label", {}, choice, make("strong", {}, model.name));
    label.append(make("span", { class: "quiet" }, `takes out the ${model.instrument}; ${said}`));
    if (score) label.title = `measured on ${score.data}`;
    $("models").append(label);
  });
}

function showResults(jobs) {
  $("earlier").hidden = !jobs.length;
  const items = jobs.map((job) => {
    let said = STATES[job.state];
    if (job.state === "done") said += `, kept for ${about(job.expires - Date.now() / 1000).replace("about ", "")}`;
    const link = make("a", { href: `/jobs/${job.id}` }, job.title);
    return make("li", {}, link, make("span", { class: "quiet" }, `${job.instrument}: ${said}`));
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
    request.open("POST", "/api/jobs");
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
    request.onerror = () => reject(new Error("The upload broke off. Is the file larger than the server takes?"));
    request.send(form);
  });
}

$("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  trouble("");
  const file = $("song").files[0];
  const link = $("youtube").value.trim();
  if (!file && !link) return trouble("Choose a song, or give the link of a video.");
  if (!link && file.size > limits.megabytes * 1e6) return trouble(`The file is larger than ${limits.megabytes} MB.`);
  const form = new FormData();
  form.set("model", document.querySelector("input[name=model]:checked").value);
  if (link) form.set("youtube", link);
  else form.set("song", file);
  const button = event.target.querySelector("button");
  button.disabled = true;
  $("sent").value = 0;
  $("sent").hidden = !file;
  try {
    const job = await send(form);
    location.href = `/jobs/${job.id}`;
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
  if (event.dataTransfer.files.length) $("song").files = event.dataTransfer.files;
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // came back: what was disabled and listed is old
});

begin();
