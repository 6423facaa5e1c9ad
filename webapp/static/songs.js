// The list of a browser's songs: those on their way to the server, then its jobs, each with its state and link.

import { ask, make } from "./draw.js";
import { inWords } from "./parts.js";
import { inShort, isGoing } from "./states.js";

const $ = (id) => document.getElementById(id);
const OFTEN = 1500; // ms between looks at jobs that are not done
const PAUSE = 5000; // ms before an upload that was refused is tried again

export class Songs {
  constructor() {
    this.jobs = [];
    this.uploads = [];
    this.rows = new Map(); // by job's id, or by upload: what is on the page stays there, and keeps the focus
    this.waiting = []; // {most, call}: functions to call when fewer jobs than that are going, or none
  }

  // Look at the jobs, and again for as long as one is going.
  async look() {
    clearTimeout(this.timer);
    try {
      this.jobs = (await ask("api/jobs")).jobs;
      const room = ({ most }) => !this.going || this.going < most;
      for (const { call } of this.waiting.filter(room)) call();
      this.waiting = this.waiting.filter((each) => !room(each));
    } catch (error) {
      if (!this.rows.size) throw error; // else it may answer the next time
    }
    this.show();
    if (this.going || this.uploads.some(isPending)) this.timer = setTimeout(() => this.look(), OFTEN);
  }

  get going() {
    return this.jobs.filter(isGoing).length;
  }

  // A promise that fewer jobs are going than now, after some seconds at least.
  fewer() {
    const most = this.going;
    return new Promise((call) => setTimeout(() => this.waiting.push({ most, call }), PAUSE));
  }

  show() {
    const kept = this.uploads.filter((upload) => upload.state !== "sent");
    const rows = [
      ...kept.map((upload) => this.row(upload, upload.title, null, uploading(upload))),
      ...this.jobs.map((job) => this.row(job.id, job.title, job, inShort(job, Date.now() / 1000))),
    ];
    $("songs").hidden = !rows.length;
    const there = [...$("results").children];
    const same = rows.length === there.length && rows.every((row, place) => row === there[place]);
    if (!same) $("results").replaceChildren(...rows);
    $("keep-open").hidden = !kept.some(isPending);
  }

  row(key, title, job, said) {
    let row = this.rows.get(key);
    if (!row) {
      const name = job ? make("a", { href: `jobs/${job.id}` }, title) : make("span", { class: "title" }, title);
      const about = make("span", { class: "quiet" });
      row = make("li", {}, name, about);
      this.rows.set(key, row);
      row.say = (text) => {
        if (about.textContent !== text) about.textContent = text;
      };
    }
    if (job) row.firstChild.textContent = job.title; // of a video it is known later
    row.classList.toggle("going", Boolean(job) && isGoing(job));
    row.say(job ? `${inWords(job.parts)} · ${when(job)} · ${said}` : said);
    return row;
  }
}

const isPending = ({ state }) => state === "chosen" || state === "sending";
const when = (job) => new Date(job.created * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

function uploading({ state, share, said }) {
  if (state === "failed") return `Not taken: ${said}`;
  if (state === "sending") return `Uploading, ${Math.floor(100 * share)} %`;
  return said ? `Waiting for room: ${said}` : "To be uploaded";
}
