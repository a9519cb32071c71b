import { expect, it } from "vitest";
import { etaOf, etaText } from "./eta";

const START = Date.parse("2026-12-01T08:00:00.000Z");
const RUNNING = {
  state: "RUNNING",
  counts: { SUCCEEDED: 20, CANCELLED: 20, RUNNING: 2, PENDING: 58 },
  job_count: 100,
  started_at: new Date(START).toISOString(),
  critical_path_seconds: null,
};

it("goes by the pace of the jobs that ran, and not by those that were cancelled", () => {
  const eta = etaOf(RUNNING, START + 100_000);
  expect(eta?.seconds).toBe(300);
  expect(eta?.by).toBe("by its pace: 20 jobs ran in the 1 min 40 s since its first job started");
});

it("goes by the estimates where these say more, or where nothing has run", () => {
  expect(etaOf({ ...RUNNING, critical_path_seconds: 500 }, START + 100_000)?.seconds).toBe(400);
  expect(etaOf({ ...RUNNING, critical_path_seconds: 200 }, START + 100_000)?.seconds).toBe(300);
  expect(etaOf({ ...RUNNING, counts: { RUNNING: 1 }, critical_path_seconds: 60 }, START + 10_000)?.by).toBe(
    "by the estimates: its critical path takes 1 min",
  );
});

it("says nothing where nothing is known", () => {
  expect(etaOf({ ...RUNNING, counts: { RUNNING: 1, PENDING: 99 } }, START + 1)).toBeNull();
  expect(etaOf({ ...RUNNING, counts: { RUNNING: 1 }, critical_path_seconds: 5 }, START + 9_000)).toBeNull();
  expect(etaOf({ ...RUNNING, state: "HELD" }, START + 1)).toBeNull();
  expect(etaOf({ ...RUNNING, started_at: null }, START + 1)).toBeNull();
});

it("rounds to what can be known", () => {
  const text = (seconds: number) => etaText({ seconds, by: "" });
  expect([0, 7, 42, 61, 125, 4_000, 90_000].map(text)).toEqual([
    "about 5 s",
    "about 5 s",
    "about 40 s",
    "about 1 min",
    "about 2 min",
    "about 1 h",
    "about 1 d 1 h",
  ]);
});
