import { describe, expect, it } from "vitest";
import { compactGraph, drawnGraph, drawsOf } from "../../testing/graphs";
import { at, linksOf, partOf } from "./dag";
import { type CompactGraph, decodeGraph, edgeType, type Graph, jobId, typeName } from "./graph";
import { countsOf, countsText, failuresOf, groupJobs, MOST_GROUPS, stacksOf } from "./groups";
import { layoutOf } from "./layout";
import { isMoving, progressAfter, stateOf } from "./progress";
import { firstFailure, neighbourhood } from "./search";

const SEEDS = Array.from({ length: 25 }, (_, seed) => seed + 1);

const ANSWER: CompactGraph = {
  workflow_id: "00000000000000000000000008",
  job_count: 4,
  keys: ["first", "second", "third", "fourth"],
  types: ["fetch", "load"],
  type_of: [0, 1, 1, 0],
  estimates: [10, null, 2.5, null],
  parents: [[], [1], [1, 2], [3]],
  edge_types: [[2, 1, "CONDITIONAL"]],
  outside: [
    [0, "7M7Y9MZS179VH7H1TBVG0SWMGP"],
    [3, "7M7Y9MZS179VH7H1TBVG0SWMGP", "MUST_START"],
  ],
  critical_path: [0, 1, 2],
  critical_path_seconds: 12.5,
};

function edgesOf(graph: Graph): [number, number][] {
  const edges: [number, number][] = [];
  for (let job = 0; job < graph.count; job++) {
    for (const child of linksOf(graph.children, job)) edges.push([job, child]);
  }
  return edges;
}

/** A chain as long as wanted, of two types in turn. */
function chainOf(length: number): Graph {
  return decodeGraph(
    compactGraph(
      Array.from({ length }, (_, job) => (job === 0 ? [] : [job - 1])),
      (job) => `type-${job % 2}`,
    ),
  );
}

describe("decodeGraph", () => {
  const graph = decodeGraph(ANSWER);

  it("turns distances into edges with their types", () => {
    expect(edgesOf(graph)).toEqual([
      [0, 1],
      [0, 2],
      [0, 3],
      [1, 2],
    ]);
    expect(edgeType(graph, 0, 2)).toBe("CONDITIONAL");
    expect(edgeType(graph, 1, 2)).toBe("MUST_SUCCEED");
    expect(graph.outside.map((edge) => [edge.job, edge.type])).toEqual([
      [0, "MUST_SUCCEED"],
      [3, "MUST_START"],
    ]);
    expect([...graph.levels]).toEqual([0, 1, 2, 1]);
    expect(graph.depth).toBe(3);
    expect(jobId(graph, 2)).toBe("00000000000000000000000008.2");
    expect(typeName(graph, 1)).toBe("load");
  });

  it("takes a job that waits for one behind it, and no circle", () => {
    expect([...decodeGraph(compactGraph([[1], []])).levels]).toEqual([1, 0]);
    expect(() => decodeGraph(compactGraph([[1], [0]]))).toThrow("circle");
    expect(() => decodeGraph(compactGraph([[5]]))).toThrow("unknown parent");
  });

  it.each(SEEDS)("keeps every edge, each from a lower level to a higher one (seed %i)", (seed) => {
    const answer = drawnGraph(seed, 60);
    const drawn = decodeGraph(answer);
    expect(edgesOf(drawn).length).toBe(answer.parents.reduce((sum, own) => sum + own.length, 0));
    for (const [from, to] of edgesOf(drawn)) {
      expect(at(drawn.levels, from)).toBeLessThan(at(drawn.levels, to));
      expect([...linksOf(drawn.parents, to)]).toContain(from);
    }
    for (let job = 0; job < drawn.count; job++) {
      const highest = Math.max(-1, ...[...linksOf(drawn.parents, job)].map((each) => at(drawn.levels, each)));
      expect(at(drawn.levels, job)).toBe(highest + 1);
    }
  });
});

describe("progressAfter", () => {
  const answer = {
    state: "RUNNING",
    counts: { RUNNING: 1, PENDING: 2 },
    started_at: null,
    ended_at: null,
    critical_path_seconds: null,
    job_count: 3,
    version: "1",
    states: "APP",
    changes: {},
  };
  const first = progressAfter(null, answer);

  it("applies changes without touching what was known", () => {
    const next = progressAfter(first, {
      ...answer,
      version: "2",
      states: null,
      changes: { S: [0], A: [1, 99] },
    });
    expect(next.letters).toBe("SAP");
    expect(first.letters).toBe("APP");
    expect(next.version).toBe("2");
    expect(stateOf(next.letters, 0)).toBe("SUCCEEDED");
    expect(stateOf(next.letters, 7)).toBe("PENDING");
  });

  it("takes whole states in place of changes, and no changes of nothing", () => {
    expect(progressAfter(first, { ...answer, states: "SSS" }).letters).toBe("SSS");
    expect(progressAfter(first, { ...answer, states: null }).letters).toBe("APP");
    expect(() => progressAfter(null, { ...answer, states: null })).toThrow("before any states");
  });

  it("knows which workflows still move", () => {
    expect(["RUNNING", "HELD", "FAILED"].map(isMoving)).toEqual([true, true, false]);
  });
});

describe("layoutOf", () => {
  it.each(SEEDS)("places each node once, alone in its row (seed %i)", (seed) => {
    const drawn = decodeGraph(drawnGraph(seed, 80));
    const { columns, rows, levels } = layoutOf(drawn);
    expect(columns.flat().sort((one, other) => one - other)).toEqual([...drawn.keys.keys()]);
    columns.forEach((column, level) => {
      for (const node of column) expect(at(levels, node)).toBe(level);
      expect(new Set(column.map((node) => at(rows, node))).size).toBe(column.length);
    });
  });

  it("uncrosses edges that need not cross", () => {
    const { rows } = layoutOf(decodeGraph(compactGraph([[], [], [1], [0]])));
    expect(at(rows, 3) - at(rows, 2)).toBeLessThan(0);
  });

  it("needs at most 100 ms for 10,000 jobs", () => {
    const drawn = decodeGraph(drawnGraph(3, 10_000));
    // The best of five tells how long it takes on a machine that does other things as well.
    const tries = Array.from({ length: 5 }, () => {
      const began = performance.now();
      layoutOf(drawn);
      return performance.now() - began;
    });
    expect(Math.min(...tries)).toBeLessThan(100);
  });
});

describe("groupJobs", () => {
  it.each(SEEDS)("keeps every job and every edge, and no circle (seed %i)", (seed) => {
    const drawn = decodeGraph(drawnGraph(seed, 120, 1.7, 5));
    for (const most of [1, 4, 20, MOST_GROUPS]) {
      const grouping = groupJobs(drawn, most);
      expect(grouping.groups.length).toBeLessThanOrEqual(most);
      expect(grouping.groups.reduce((sum, group) => sum + group.jobs.length, 0)).toBe(drawn.count);
      expect(new Set(grouping.groups.map((group) => group.id)).size).toBe(grouping.groups.length);
      const within = edgesOf(drawn).filter(
        ([from, to]) => grouping.groupOf[from] === grouping.groupOf[to],
      ).length;
      const between = grouping.edges.reduce((sum, edge) => sum + edge.count, 0);
      expect(within + between).toBe(edgesOf(drawn).length);
      layoutOf(grouping.dag);
    }
  });

  it("groups by type and level, with the edges counted", () => {
    const graph = decodeGraph(
      compactGraph([[], [], [], [0, 1, 2], [0, 1]], (job) => (job < 3 ? "fetch" : "load")),
    );
    const grouping = groupJobs(graph);
    expect(grouping.by).toBe("type and level");
    expect(grouping.groups.map((group) => group.label)).toEqual(["fetch, level 1", "load, level 2"]);
    expect(grouping.edges).toEqual([{ from: 0, to: 1, count: 5 }]);
  });

  it("groups by type where levels are too many, and by ranges of levels where types wait for each other", () => {
    const stages = decodeGraph(
      compactGraph(
        Array.from({ length: 400 }, (_, job) => (job === 0 ? [] : [job - 1])),
        (job) => (job < 200 ? "fetch" : "load"),
      ),
    );
    expect(groupJobs(stages).groups.map((group) => group.label)).toEqual([
      "fetch, levels 1 to 200",
      "load, levels 201 to 400",
    ]);
    const grouping = groupJobs(chainOf(1_000));
    expect(grouping.by).toBe("level");
    expect(grouping.groups.length).toBe(143);
    expect(grouping.groups[0]?.label).toBe("levels 1 to 7");
    expect(grouping.groups[0]?.types).toEqual([
      ["type-0", 4],
      ["type-1", 3],
    ]);
  });

  it("counts the states of each group", () => {
    const graph = decodeGraph(compactGraph([[], [], [0, 1]], (job) => (job < 2 ? "fetch" : "load")));
    const [fetch = {}, load = {}] = countsOf(groupJobs(graph), "SFK");
    expect(fetch).toEqual({ SUCCEEDED: 1, FAILED: 1 });
    expect(load).toEqual({ SKIPPED: 1 });
    expect(failuresOf(fetch)).toBe(1);
    expect(countsText(fetch)).toBe("1 FAILED, 1 SUCCEEDED");
  });
});

describe("stacksOf", () => {
  it("counts the states of each type in each group", () => {
    const graph = chainOf(5);
    const grouping = groupJobs(graph, 2);
    expect(grouping.by).toBe("level");
    expect(stacksOf(graph, grouping, "SSFPP")).toEqual([
      [
        ["type-0", { SUCCEEDED: 1, FAILED: 1 }],
        ["type-1", { SUCCEEDED: 1 }],
      ],
      [
        ["type-0", { PENDING: 1 }],
        ["type-1", { PENDING: 1 }],
      ],
    ]);
  });
});

describe("neighbourhood", () => {
  it("goes so many edges up and down", () => {
    const graph = chainOf(20);
    expect([...neighbourhood(graph, 10, 2, 1).jobs].sort((one, other) => one - other)).toEqual([
      8, 9, 10, 11,
    ]);
    expect(neighbourhood(graph, 10, 0, 0)).toEqual({ jobs: [10], cut: false });
  });

  it("says that it left jobs out", () => {
    const fan = decodeGraph(compactGraph([[], ...Array.from({ length: 500 }, () => [0])]));
    const found = neighbourhood(fan, 0, 2, 2);
    expect(found.jobs.length).toBe(300);
    expect(found.cut).toBe(true);
    expect(partOf(fan, found.jobs).children.ends.length).toBe(299);
  });

  it.each(SEEDS)("finds only jobs that are joined to it (seed %i)", (seed) => {
    const drawn = decodeGraph(drawnGraph(seed, 60));
    const job = Math.floor(drawsOf(seed)() * drawn.count);
    const { jobs } = neighbourhood(drawn, job, 3, 3);
    const part = partOf(drawn, jobs);
    for (let place = 1; place < jobs.length; place++) {
      expect(linksOf(part.parents, place).length + linksOf(part.children, place).length).toBeGreaterThan(0);
    }
  });
});

describe("firstFailure", () => {
  it("is the one with the fewest levels before it", () => {
    const graph = chainOf(4);
    expect(firstFailure(graph, "SSSS")).toBeNull();
    expect(firstFailure(graph, "STFK")).toBe(1);
    expect(firstFailure(decodeGraph(compactGraph([[1], [], []])), "FSF")).toBe(2);
  });
});
