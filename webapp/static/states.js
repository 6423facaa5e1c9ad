// What a job is doing, in words. Nothing here needs a browser.

import { about } from "./draw.js";

const STAGES = {
  "": "Beginning",
  fetching: "Fetching the sound",
  reading: "Reading the song",
  loading: "Getting the model ready",
  separating: "Separating",
};
const ENDS = { cancelled: "Cancelled", interrupted: "Interrupted" };

export const isGoing = (job) => job.state === "waiting" || job.state === "running";

// A line for the page of a job that is not done.
export function stage(job) {
  if (job.state === "waiting") {
    if (!job.before) return "Waiting: this song is next.";
    return `Waiting: ${job.before} song${job.before === 1 ? "" : "s"} before this one.`;
  }
  if (job.state === "running") return `${STAGES[job.stage]} …`;
  if (job.state === "cancelled") return "Cancelled.";
  return job.message || "This song could not be separated.";
}

// Some words for a list of jobs. `now`: seconds since 1970.
export function inShort(job, now) {
  if (job.state === "waiting") return job.before ? `Waiting, ${job.before} before it` : "Waiting, next";
  if (job.state === "running") return `${STAGES[job.stage]}, ${Math.floor(job.percent)} %`;
  if (job.state === "done") return `Done, kept for ${about(job.expires - now).replace("about ", "")}`;
  return ENDS[job.state] ?? `Failed: ${job.message || "it could not be separated."}`;
}
