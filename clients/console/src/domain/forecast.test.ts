import { expect, it } from "vitest";
import { aheadText, boundsText, isCheap, isOverdue, whyNoEnd, whyNoWorkflowEnd } from "./forecast";

const NOW = Date.parse("2026-12-01T08:00:00.000Z");
const MEDIAN = "2026-12-01T08:02:19.748Z";

it.each([
  ["in the same day", "2026-12-01T08:00:53.996Z", "2026-12-01T08:10:02.138Z", "UTC", "08:00:53 and 08:10:02"],
  [
    "beyond the day",
    "2026-12-01T08:00:53.996Z",
    "2026-12-02T08:10:02.138Z",
    "UTC",
    "08:00:53 and 2026-12-02 08:10:02",
  ],
  [
    "by the day of the zone",
    "2026-12-01T08:00:53.996Z",
    "2026-12-01T10:30:00.000Z",
    "Asia/Vladivostok",
    "18:00:53 and 20:30:00",
  ],
  [
    "beyond the day of the zone",
    "2026-12-01T08:00:53.996Z",
    "2026-12-01T14:30:00.000Z",
    "Asia/Vladivostok",
    "18:00:53 and 2026-12-02 00:30:00",
  ],
  ["as one moment", MEDIAN, MEDIAN, "UTC", null],
])("tells the bounds of an interval %s", (_, low, high, zone, text) => {
  expect(boundsText({ median: MEDIAN, low, high }, zone)).toBe(text);
});

it("tells how far ahead a time is, and that one which has passed did not come", () => {
  expect(aheadText(MEDIAN, NOW)).toBe("in 2 min 20 s");
  expect(aheadText(MEDIAN, Date.parse(MEDIAN) + 2_000)).toBe("now");
  expect(aheadText(MEDIAN, Date.parse(MEDIAN) - 2_000)).toBe("now");
  expect(aheadText(MEDIAN, Date.parse(MEDIAN) + 180_000)).toBe("was expected 3 min ago");
});

it("knows a dear forecast by its draws", () => {
  expect([60, 59, 0].map((draws) => isCheap({ draws }))).toEqual([true, false, false]);
  expect(isCheap(undefined)).toBe(false);
});

it("says that a job is overdue only while it runs longer than an estimate that it has", () => {
  const job = {
    state: "RUNNING",
    started_at: "2026-12-01T07:59:00.000Z",
    estimated_duration_seconds: 59,
  };
  expect(isOverdue(job, NOW)).toBe(true);
  expect(isOverdue({ ...job, estimated_duration_seconds: 60 }, NOW)).toBe(false);
  expect(isOverdue({ ...job, estimated_duration_seconds: null }, NOW)).toBe(false);
  expect(isOverdue({ ...job, started_at: null }, NOW)).toBe(false);
  expect(isOverdue({ ...job, state: "QUEUED" }, NOW)).toBe(false);
});

const COMES = { median: MEDIAN, low: MEDIAN, high: MEDIAN };
const SKIPPED = { code: "going-to-be-skipped" };

it.each([
  ["has an end", { start: COMES, end: COMES, draws: 60, notes: [] }, false, null],
  [
    "does not start",
    { start: null, end: null, draws: 60, notes: [] },
    false,
    "It does not start as things stand.",
  ],
  [
    "does not end",
    { start: null, end: null, draws: 60, notes: [] },
    true,
    "It does not end as things stand.",
  ],
  [
    "does not start beside skipped ones",
    { start: null, end: null, draws: 60, notes: [SKIPPED] },
    false,
    "It does not start as things stand.",
  ],
  ["is skipped", { start: null, end: null, draws: 0, notes: [SKIPPED] }, false, "It is going to be skipped."],
  ["ended meanwhile", { start: null, end: null, draws: 0, notes: [] }, true, null],
])("says why there is no end of a job that %s", (_, job, runs, why) => {
  expect(whyNoEnd(job, runs)).toBe(why);
});

it.each([
  ["ends", { end: COMES, draws: 60, jobs_left: 3 }, null],
  ["does not", { end: null, draws: 60, jobs_left: 3 }, "It does not end as things stand."],
  ["is skipped", { end: null, draws: 0, jobs_left: 3 }, "All that is left of it is going to be skipped."],
  ["has ended", { end: null, draws: 0, jobs_left: 0 }, null],
])("says why there is no end of a workflow that %s", (_, workflow, why) => {
  expect(whyNoWorkflowEnd(workflow)).toBe(why);
});
