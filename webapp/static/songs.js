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
    const sent = this.uploads.flatMap((upload) => upload.job?.id ?? []);
    const known = (job) => this.jobs.find(({ id }) => id === job.id) ?? job;
    // A song stays where it is in the list when it is uploaded.
    const rows = [
      ...this.uploads.map((upload) => (upload.job ? this.jobRow(known(upload.job)) : this.uploadRow(upload))),
      ...this.jobs.filter(({ id }) => !sent.includes(id)).map((job) => this.jobRow(job)),
    ];
    $("songs").hidden = !rows.length;
    const there = [...$("results").children];
    const same = rows.length === there.length && rows.every((row, place) => row === there[place]);
    if (!same) $("results").replaceChildren(...rows);
    const open = this.uploads.some(isPending) ? "Please keep this page open until all songs are uploaded." : "";
    if ($("keep-open").textContent !== open) $("keep-open").textContent = open;
  }

  uploadRow(upload) {
    return this.row(upload, () => make("span", { class: "title" }), upload.title, uploading(upload));
  }

  jobRow(job) {
    const said = `${inWords(job.parts)} · ${when(job)} · ${inShort(job, Date.now() / 1000)}`;
    return this.row(job.id, () => make("a", { href: `jobs/${job.id}` }), job.title, said);
  }

  row(key, makeName, title, said) {
    if (!this.rows.has(key)) this.rows.set(key, make("li", {}, makeName(), make("span", { class: "quiet" })));
    const row = this.rows.get(key);
    const texts = [title, said]; // of a video the title is known later
    texts.forEach((text, place) => {
      if (row.children[place].textContent !== text) row.children[place].textContent = text;
    });
    return row;
  }
}

const isPending = ({ state }) => state === "chosen" || state === "sending";
const when = (job) => new Date(job.created * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

function uploading({ state, share, said }) {
  if (state === "failed") return `Not taken: ${said}`;
  if (state === "sending") return share < 1 ? `Uploading, ${Math.floor(100 * share)} %` : "Being checked";
  return said ? "To be uploaded when there is room" : "To be uploaded";
}
