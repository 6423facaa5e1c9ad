import assert from "node:assert/strict";
import { test } from "node:test";
import { about, clock } from "./draw.js";
import { givingWay, inWords, partsOf, titled } from "./parts.js";
import { inShort, isGoing, stage } from "./states.js";

test("times as on a player", () => {
  assert.deepEqual([0, 75, 3599.99, 3600, -1].map((each) => clock(each)), ["0:00", "1:15", "59:59", "1:00:00", "0:00"]);
  assert.deepEqual([0, 1.25, 75.999, 0.3].map((each) => clock(each, 1)), ["0:00.0", "0:01.2", "1:15.9", "0:00.3"]);
});

test("times to wait", () => {
  const said = ["a few seconds", "about 65 seconds", "about 10 minutes", "about 24 hours"];
  assert.deepEqual([3, 61, 600, 86400].map(about), said);
});

test("parts in words", () => {
  assert.equal(inWords(["vocals", "guitar", "rest"]), "vocals, guitar and the rest");
  assert.equal(titled(inWords(["vocals", "other"])), "Vocals and everything else");
  assert.equal(inWords([]), "");
});

const model = (name, ...takes) => ({ name, takes, remainder: name === "band" ? "other" : "rest" });
const guitar = model("guitar", "guitar");
const lead = model("lead", "guitar", "organ");
const band = model("band", "vocals", "organ");

test("models that take out the same part give way to the one that is ticked", () => {
  assert.deepEqual(givingWay(lead, [guitar, lead, band]), ["guitar", "band"]);
  assert.deepEqual(givingWay(guitar, [guitar, band]), []);
});

test("what one model leaves has its own name, what several leave is the rest", () => {
  assert.deepEqual(partsOf([]), []);
  assert.deepEqual(partsOf([band]), ["vocals", "organ", "other"]);
  assert.deepEqual(partsOf([guitar, band]), ["guitar", "vocals", "organ", "rest"]);
});

test("a job in a line and in a list", () => {
  const said = (job) => [stage(job), inShort(job, 1000), isGoing(job)];
  assert.deepEqual(said({ state: "waiting", before: 0 }), ["Waiting: this song is next.", "Waiting, next", true]);
  const third = { state: "waiting", before: 2 };
  assert.deepEqual(said(third), ["Waiting: 2 songs before this one.", "Waiting, 2 before it", true]);
  const running = { state: "running", stage: "separating", percent: 41.7 };
  assert.deepEqual(said(running), ["Separating …", "Separating, 41 %", true]);
  assert.equal(inShort({ state: "done", expires: 1000 + 7200 }, 1000), "Done, kept for 2 hours");
  assert.deepEqual(said({ state: "cancelled" }), ["Cancelled.", "Cancelled", false]);
  assert.equal(inShort({ state: "failed", message: "Not audio." }, 0), "Failed: Not audio.");
});
