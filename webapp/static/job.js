// A song's page: where it is in the queue, how far it is, and then the player.

import { about, ask } from "./draw.js";
import { inWords, titled } from "./parts.js";
import { Player } from "./player.js";
import { isGoing, stage } from "./states.js";

const $ = (id) => document.getElementById(id);
const address = `../api/jobs/${location.pathname.split("/").pop()}`;
let unanswered = 0;

async function look() {
  let job;
  try {
    job = await ask(address);
    unanswered = 0;
    trouble("");
  } catch (error) {
    trouble(error.message);
    ready();
    if (!error.status && unanswered++ < 600) setTimeout(look, 2000);
    return;
  }
  $("title").textContent = job.title;
  const models = `${job.models.length > 1 ? "models" : "model"} ${inWords(job.models)}`;
  $("about").textContent = `${titled(inWords(job.parts))}, by the ${models}`;
  if (job.state === "done") await done(job);
  else show(job);
  ready();
  if (isGoing(job)) setTimeout(look, 700);
}

function show(job) {
  const going = isGoing(job);
  const percent = Math.floor(job.percent);
  $("share").value = job.percent;
  const running = job.state === "running";
  $("share").style.visibility = running ? "visible" : "hidden";
  $("percent").textContent = running ? `${percent} %` : "";
  $("left").textContent = job.left ? `${about(job.left)} left` : "";
  say(stage(job));
  $("cancel").hidden = !going || !job.mine;
  $("again").hidden = going;
  $("forget").hidden = going || !job.mine;
  document.title = `${running ? `${percent} % · ` : ""}${job.title} · splitstrument`;
}

// A screen reader says the line when it changes, so it is only written then.
function say(text) {
  if ($("stage").textContent !== text) $("stage").textContent = text;
}

async function done(job) {
  document.title = `${job.title} · splitstrument`;
  const sounds = await ask(`${address}/peaks.json`);
  $("state").hidden = true;
  $("player").hidden = false;
  $("remove").hidden = !job.mine;
  const expires = new Date(job.expires * 1000);
  $("expires").textContent = expires.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  $("expires").dateTime = expires.toISOString();
  $("note").textContent = job.message ?? "";
  $("note").hidden = !job.message;
  new Player(job, sounds, trouble);
}

function trouble(message) {
  $("trouble").textContent = message;
}

function ready() {
  document.querySelector("main").removeAttribute("data-loading");
}

$("cancel").addEventListener("click", async () => {
  $("cancel").disabled = true;
  say("Cancelling …");
  try {
    await ask(address, { method: "DELETE" });
  } catch (error) {
    trouble(error.message);
  }
});

async function remove() {
  try {
    await ask(address, { method: "DELETE" });
    location.href = "../";
  } catch (error) {
    trouble(error.message);
  }
}

$("forget").addEventListener("click", remove);
$("remove").addEventListener("click", () => {
  if (confirm("Remove this result? Links to it that you have given to others end too.")) remove();
});

$("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    $("copied").textContent = "Copied.";
  } catch {
    $("copied").textContent = location.href; // only pages served over HTTPS, or from this machine, may copy
  }
});

look();
