import { describe, expect, it } from "vitest";
import { compactGraph, drawsOf } from "../../testing/graphs";
import { at } from "./dag";
import { decodeGraph } from "./graph";
import { groupJobs } from "./groups";
import { axisOf, foresee, laneOf, lanesOf, remainingOf, ticksOf } from "./timeline";

const NOW = 100_000;
/** Two fetch jobs, and one that loads what both have fetched; each is estimated at ten seconds. */
const graph = decodeGraph(
  compactGraph(
    [[], [], [0, 1]],
    (job) => (job < 2 ? "fetch" : "load"),
    () => 10,
  ),
);

describe("foresee", () => {
  it("lets a job start when the last one that it waits for is expected to end", () => {
    const { from, to } = foresee(graph, "SAP", new Map([[1, 96_000]]), NOW);
    expect([at(from, 1), at(to, 1)]).toEqual([NOW, 106_000]);
    expect([at(from, 2), at(to, 2)]).toEqual([106_000, 116_000]);
  });

  it("lets no job run before its start where this clock is behind", () => {
    const { from, to } = foresee(graph, "SAP", new Map([[1, NOW + 60_000]]), NOW);
    expect([at(from, 1), at(to, 1)]).toEqual([NOW + 60_000, NOW + 70_000]);
  });

  it("expects a job that runs longer than its estimate to end now", () => {
    expect(at(foresee(graph, "SAP", new Map([[1, 0]]), NOW).to, 1)).toBe(NOW);
  });
});

describe("remainingOf", () => {
  it("is the longest chain of what has not ended", () => {
    expect(remainingOf(graph, "SAP")).toEqual({ seconds: 20, known: 2, unknown: 0 });
    expect(remainingOf(graph, "SSA")).toEqual({ seconds: 10, known: 1, unknown: 0 });
    expect(remainingOf(graph, "SFK")).toEqual({ seconds: 0, known: 0, unknown: 0 });
  });

  it("counts the jobs of which nothing is known", () => {
    const half = decodeGraph(
      compactGraph(
        [[], [0], [1]],
        () => "fetch",
        (job) => (job === 1 ? null : 10),
      ),
    );
    expect(remainingOf(half, "PPP")).toEqual({ seconds: 20, known: 2, unknown: 1 });
  });
});

describe("lanesOf", () => {
  const ran = [
    { job: 0, startedMs: 80_000, endedMs: 90_000 },
    { job: 1, startedMs: 85_000, endedMs: null },
  ];

  it("has a lane a group, without bars that overlap in a row", () => {
    const [fetch, load] = lanesOf(graph, groupJobs(graph), "SAP", ran, NOW);
    expect(fetch?.rows).toBe(2);
    expect(fetch?.bars.map((bar) => [bar.job, bar.row, bar.ghost])).toEqual([
      [0, 0, false],
      [1, 1, false],
    ]);
    expect(load?.bars).toEqual([
      { job: 2, state: "PENDING", fromMs: NOW, toMs: NOW + 10_000, ghost: true, row: 0 },
    ]);
  });

  it.each([1, 2, 3, 4, 5])("never lets two bars of a row overlap (seed %i)", (seed) => {
    const draw = drawsOf(seed);
    const many = decodeGraph(compactGraph(Array.from({ length: 200 }, () => [])));
    const drawn = Array.from({ length: 200 }, (_, job) => {
      const startedMs = Math.floor(draw() * 5_000);
      return { job, startedMs, endedMs: startedMs + Math.floor(draw() * 500) };
    });
    const [lane] = lanesOf(many, groupJobs(many), "S".repeat(200), drawn, NOW);
    expect(lane?.bars.length).toBe(200);
    const reached = new Map<number, number>();
    for (const bar of lane?.bars ?? []) {
      expect(bar.fromMs).toBeGreaterThanOrEqual(reached.get(bar.row) ?? 0);
      expect(bar.row).toBeLessThan(lane?.rows ?? 0);
      reached.set(bar.row, bar.toMs);
    }
  });

  it("gives some of the bars a lane of their own, from the first row on", () => {
    const lanes = lanesOf(graph, groupJobs(graph), "SAP", ran, NOW);
    const path = laneOf(lanes, new Set([1, 2]));
    expect(path?.rows).toBe(1);
    expect(path?.bars.map((bar) => [bar.job, bar.row, bar.ghost])).toEqual([
      [1, 0, false],
      [2, 0, true],
    ]);
    expect(laneOf(lanes, new Set())).toBeNull();
  });

  it("has no lane for a group of which nothing is known", () => {
    const unknown = decodeGraph(compactGraph([[], [0]], (job) => `type-${job}`));
    expect(
      lanesOf(unknown, groupJobs(unknown), "AP", [{ job: 0, startedMs: 1, endedMs: null }], NOW).length,
    ).toBe(1);
  });
});

describe("axisOf", () => {
  it("cuts long idle time short", () => {
    const axis = axisOf(
      [
        { fromMs: 0, toMs: 10_000 },
        { fromMs: 3_600_000, toMs: 3_610_000 },
      ],
      800,
    );
    expect(axis.gaps).toEqual([{ fromMs: 10_000, toMs: 3_600_000 }]);
    expect(axis.x(10_000)).toBeCloseTo(388);
    expect(axis.x(3_600_000) - axis.x(10_000)).toBeCloseTo(24);
    expect(axis.x(3_610_000)).toBeCloseTo(800);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])("never goes back, and fills its width (seed %i)", (seed) => {
    const draw = drawsOf(seed);
    const spans = Array.from({ length: 40 }, () => {
      const fromMs = Math.floor(draw() * 10_000_000);
      return { fromMs, toMs: fromMs + Math.floor(draw() * 60_000) };
    });
    const axis = axisOf(spans, 640);
    let before = -1;
    for (let step = 0; step <= 500; step++) {
      const x = axis.x(axis.fromMs + ((axis.toMs - axis.fromMs) * step) / 500);
      expect(x).toBeGreaterThanOrEqual(before);
      before = x;
    }
    expect(before).toBeCloseTo(640, 3);
  });

  it("stands with nothing to show", () => {
    expect(axisOf([], 100).x(0)).toBe(0);
  });
});

describe("ticksOf", () => {
  it("marks round times, and none in the idle time", () => {
    const spans = [
      { fromMs: 500, toMs: 20_000 },
      { fromMs: 3_600_000, toMs: 3_620_000 },
    ];
    const ticks = ticksOf(axisOf(spans, 800), 800, 100);
    expect(ticks).toEqual([10_000, 20_000, 3_610_000, 3_620_000]);
  });

  it.each([10, 1_000, 100_000, 10_000_000])("keeps marks apart over %i seconds", (seconds) => {
    const axis = axisOf([{ fromMs: 1_234, toMs: 1_234 + seconds * 1_000 }], 1_000);
    const places = ticksOf(axis, 1_000, 120).map(axis.x);
    expect(places.length).toBeGreaterThan(2);
    expect(places.length).toBeLessThanOrEqual(9);
    places.slice(1).forEach((x, place) => {
      expect(x - (places[place] ?? 0)).toBeGreaterThanOrEqual(119.9);
    });
  });
});
