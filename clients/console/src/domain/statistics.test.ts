import { describe, expect, it } from "vitest";
import { aStatisticsRow } from "../testing/statistics";
import {
  askedOf,
  canTell,
  csvOf,
  figureText,
  inOrder,
  linePath,
  niceTop,
  roundedUp,
  SHOWN,
  scaleOf,
  stepsFor,
  usualStep,
} from "./statistics";
import { type Row, STEPS_MS, slotsOf } from "./steps";

const HOUR_MS = STEPS_MS.hour;

const NO_VALUES = { count: 0, p50: null, p90: null, p99: null, max: null };

function aRow(changes: Partial<Row> = {}): Row {
  return {
    pool: null,
    type: null,
    share: null,
    worker: null,
    since: "2026-12-01T08:00:00.000Z",
    until: "2026-12-01T09:00:00.000Z",
    ended: 4,
    succeeded: 3,
    failed: 1,
    timed_out: 0,
    cancelled: 0,
    skipped: 0,
    success_rate: 0.755,
    ended_per_hour: 4,
    measured: 4,
    started: 4,
    tries: 0,
    handed_back: 0,
    lost: 0,
    busy_seconds: 3_700,
    slot_seconds: 14_800,
    utilisation: 0.25,
    oldest_ready_seconds: 5_000,
    wasted_seconds: 0,
    wait_seconds: { count: 4, p50: 0.5, p90: 2, p99: 120, max: 130 },
    run_seconds: NO_VALUES,
    overrun: { count: 1, p50: 1.5, p90: 1.5, p99: 1.5, max: 1.5 },
    ...changes,
  };
}

describe("askedOf", () => {
  it.each([
    [{}, { range: "24h", kind: "pool", step: "hour", order: "ended", pool: "", type: "" }],
    [
      { since: "30d", by: "worker", order: "lost", pool: "ecs" },
      { range: "30d", kind: "worker", step: "day", order: "lost", pool: "ecs", type: "" },
    ],
    [
      { since: "30d", step: "hour" },
      { range: "30d", kind: "pool", step: "day", order: "ended", pool: "", type: "" },
    ],
    [
      { since: "7d", pool: "ecs" },
      { range: "7d", kind: "pool", step: "hour", order: "ended", pool: "ecs", type: "" },
    ],
    [
      { since: "90d", step: "hour" },
      { range: "90d", kind: "pool", step: "day", order: "ended", pool: "", type: "" },
    ],
    [
      { since: "1x", by: "colour", step: "week", order: "weight" },
      { range: "24h", kind: "pool", step: "hour", order: "ended", pool: "", type: "" },
    ],
  ])("reads %j, and takes what is not valid as usual", (address, asked) => {
    expect(askedOf(address)).toEqual(asked);
  });

  it.each([
    ["24h", "", ["hour", "day"], "hour"],
    ["7d", "", ["hour", "day"], "day"],
    ["30d", "", ["day"], "day"],
    ["7d", "ecs", ["hour", "day"], "hour"],
    ["30d", "ecs", ["hour", "day"], "day"],
    ["90d", "ecs", ["day"], "day"],
  ] as const)("shows %s of pool '%s' by %j, usually by %s", (range, pool, steps, usual) => {
    expect(stepsFor(range, pool)).toEqual(steps);
    expect(usualStep(range, pool)).toBe(usual);
  });

  it("tells shares and workers of all types alone", () => {
    expect(canTell({ kind: "share", type: "load" })).toBe(false);
    expect(canTell({ kind: "share", type: "" })).toBe(true);
    expect(canTell({ kind: "pool", type: "load" })).toBe(true);
  });
});

describe("rows", () => {
  it("has a step for each hour, also for one without ends and for a first one that is counted in part", () => {
    const at = Date.parse("2026-12-01T08:00:00Z");
    const later = aRow({ since: "2026-12-01T10:00:00.000Z" });
    const part = aRow({ since: "2026-12-01T08:20:00.000Z" });
    expect(slotsOf([later, part], at + 1_200_000, at + 2.5 * HOUR_MS, HOUR_MS)).toEqual([
      { fromMs: at, row: part },
      { fromMs: at + HOUR_MS, row: null },
      { fromMs: at + 2 * HOUR_MS, row: later },
    ]);
    expect(slotsOf([], at, at, HOUR_MS)).toEqual([]);
  });

  it("shows a figure with its unit, and a dash for none", () => {
    const told = Object.fromEntries(SHOWN.map((figure) => [figure.title, figureText(figure, aRow())]));
    expect(told).toMatchObject({
      ended: "4",
      ok: "75.5 %",
      "wait 99 %": "2 min",
      "run 50 %": "-",
      "over 50 %": "1.5 ×",
      used: "25 %",
      busy: "1 h 1 min",
    });
  });

  it("orders rows by a figure, and puts those without it last", () => {
    const slow = aRow({ type: "slow", run_seconds: { count: 1, p50: 9, p90: 9, p99: 9, max: 9 } });
    const fast = aRow({ type: "fast", run_seconds: { count: 1, p50: 0, p90: 0, p99: 0, max: 0 } });
    const rows = [aRow({ type: "none" }), fast, slow];
    expect(inOrder(rows, "run_seconds_p99").map(({ type }) => type)).toEqual(["slow", "fast", "none"]);
    expect(inOrder(rows, "unknown")).toEqual(rows);
  });

  it("writes every figure to CSV, and lets no name become a formula or a cell more", () => {
    const [head, line] = csvOf([aRow({ type: '=cmd|"x",y', worker: "w,1" })]).split("\r\n");
    const { steps: _, ...figures } = aStatisticsRow();
    const fields = Object.entries(figures).flatMap(([name, value]) =>
      typeof value === "object" && value !== null
        ? Object.keys(value).map((part) => `${name}_${part}`)
        : [name],
    );
    expect(head?.split(",").sort()).toEqual(fields.sort());
    expect(line).toContain(`,"'=cmd|""x"",y",,"w,1",2026-12-01T08:00:00.000Z,`);
    expect(line).toContain(",4,0.5,2,120,130,0,,,,,");
  });
});

describe("plots", () => {
  it.each([
    [0, 1],
    [1, 1],
    [3, 5],
    [0.013, 0.02],
    [60, 100],
  ])("ends an axis for %d at %d", (value, top) => {
    expect(niceTop(value)).toBeCloseTo(top);
  });

  it.each([
    [0.3, 0.5],
    [10, 10],
    [11, 15],
    [1_100, 1_200],
    [90_000, 172_800],
    [1e9, 1e9],
  ])("ends an axis for %d seconds at the round duration %d", (seconds, top) => {
    expect(roundedUp(seconds)).toBeCloseTo(top);
  });

  it("has a logarithmic axis where values are far apart", () => {
    const near = scaleOf([1, 25]);
    expect([near.isLog, near.bottom, near.top, near.at(15)]).toEqual([false, 0, 30, 0.5]);
    const far = scaleOf([0, 0.2, 90]);
    expect([far.isLog, far.bottom, far.top]).toEqual([true, 0.1, 120]);
    expect([far.at(0), far.at(0.1), far.at(120)]).toEqual([0, 0, 1]);
    expect(scaleOf([70, 9_000]).bottom).toBe(60);
    expect(scaleOf([]).at(0)).toBe(0);
  });

  it("parts a line where a step has no value, and draws a lone value as a dot", () => {
    expect(linePath([0, 1, null, 2], scaleOf([1, 2]), 100)).toBe("M0.5 100h0L1.5 50M3.5 0h0");
    expect(linePath([], scaleOf([]), 100)).toBe("");
  });
});
