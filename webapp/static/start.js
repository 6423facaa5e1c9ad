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
    const said = score ? `${score.measure}: ${score.value.toFixed(1)}, on ${score.data}` : "not scored";
    const label = make("label", {}, choice, make("strong", {}, model.name));
    label.append(make("span", { class: "quiet" }, `takes out the ${model.instrument}; ${said}`));
    $("models").append(label);
  });
}

function showResults(jobs) {
  $("earlier").hidden = !jobs.length;
  const items = jobs.map((job) => {
    let said = STATES[job.state];
    if (job.state === "done") said += `, kept for ${about(job.expires - Date.now() / 1000).replace("about ", "")}`;
    const link = make("a", { href: `/jobs/${job.id}` }, job.title);
    const when = new Date(job.created * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    return make("li", {}, link, make("span", { class: "quiet" }, `${when}, ${job.instrument}: ${said}`));
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
    request.onerror = () => reject(new Error("The upload broke off: the server does not answer."));
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
  const { files } = event.dataTransfer;
  trouble(files.length > 1 ? "One song at a time, please." : "");
  if (files.length === 1) $("song").files = files;
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // came back: what was disabled and listed is old
});

begin();
