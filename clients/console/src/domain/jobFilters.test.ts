import { describe, expect, it } from "vitest";
import {
  addressOf,
  bulkFilterOf,
  chipsOf,
  filtersOf,
  idOf,
  type JobFilters,
  joined,
  NO_FILTERS,
  parted,
  queryOf,
  sinceMs,
} from "./jobFilters";
import { JOB_STATES, WAITING } from "./states";

const NOW_MS = Date.parse("2026-12-01T12:00:00Z");
const FULL: JobFilters = {
  states: ["RUNNING", "FAILED"],
  tags: ["team=data", "odd=a,b\\c"],
  pool: "ecs",
  type: "report.build",
  workflow: "6WRG02RMBSYB4S71Q0B9AKQ2TE",
  worker: "ecs-1",
  name: "night & day",
  key: "load",
  error: "worker-lost",
  submitted_by: "arn:aws:sts::123456789012:assumed-role/R/ann@example.com",
  to: "2026-12-01T00:00:00Z",
  since: "24h",
  verdict: "at-risk",
  overdue: true,
  waitsLongerThan: 3_600,
  order: "newest",
};

describe("filters and the address", () => {
  it.each([
    ["none", NO_FILTERS],
    ["all", FULL],
    ["a range", { ...NO_FILTERS, from: "2026-12-01T00:00:00Z", to: "2026-12-02T00:00:00Z" }],
    ["a wait of no seconds", { ...NO_FILTERS, waitsLongerThan: 0 }],
  ] as const)("come back as they were: %s", (_, filters) => {
    expect(filtersOf(addressOf(filters))).toEqual(filters);
  });

  it("have every set of states and order both ways", () => {
    for (let bits = 0; bits < 2 ** JOB_STATES.length; bits += 7) {
      const states = JOB_STATES.filter((_, place) => bits & (1 << place));
      expect(filtersOf(addressOf({ ...NO_FILTERS, states, order: "priority" })).states).toEqual(states);
    }
  });

  it("leave out what is no filter, and what has no valid value", () => {
    const address = {
      state: "failed,NONSENSE,,RUNNING",
      since: "yesterday",
      from: "soon",
      waits_longer_than: "-1",
      verdict: "likely",
      order: "random",
      tag: "no-value,=x",
      pool: "  ",
      job: "6WRG02RMBSYB4S71Q0B9AKQ2TE.1",
    };
    expect(filtersOf(address)).toEqual({ ...NO_FILTERS, states: ["RUNNING", "FAILED"] });
  });
});

it("joins texts so that each comes back", () => {
  for (const texts of [[], ["a"], ["a,b", "c\\", "\\,"], ["x=1", "y=,,"]]) {
    expect(parted(joined(texts))).toEqual(texts);
  }
});

describe("queryOf", () => {
  it("asks for every state, active ones first, where none is chosen", () => {
    expect(queryOf(NO_FILTERS, NOW_MS)).toEqual({ state: [...JOB_STATES] });
  });

  it("counts `since` back from now", () => {
    expect(queryOf(FULL, NOW_MS).from).toBe("2026-11-30T12:00:00.000Z");
    expect(sinceMs("30m")).toBe(1_800_000);
    expect(sinceMs("0h")).toBeNull();
  });

  it("has the order as the API names it", () => {
    expect(queryOf(FULL, NOW_MS)).toMatchObject({ order: "time", direction: "desc" });
    expect(queryOf({ ...FULL, order: "priority" }, NOW_MS)).toMatchObject({ order: "priority" });
  });
});

describe("bulkFilterOf", () => {
  it("narrows the states to those in which the act has an effect", () => {
    expect(bulkFilterOf({ ...NO_FILTERS, pool: "ecs" }, WAITING, NOW_MS)).toEqual({
      pool: "ecs",
      state: "READY,SCHEDULED,PENDING",
    });
    expect(bulkFilterOf({ ...NO_FILTERS, states: ["SUCCEEDED"] }, WAITING, NOW_MS)).toBeNull();
  });

  it("has no order, which the API refuses", () => {
    const filter = bulkFilterOf({ ...FULL, states: ["READY"] }, WAITING, NOW_MS);
    expect(filter).not.toHaveProperty("order");
    expect(filter).not.toHaveProperty("direction");
    expect(filter).toMatchObject({
      state: "READY",
      tag: FULL.tags,
      verdict: "at-risk",
      overdue: true,
      waits_longer_than: 3_600,
    });
  });
});

it("removes one filter with each chip, and nothing else", () => {
  const chips = chipsOf(FULL);
  expect(chips).toHaveLength(Object.keys(addressOf(FULL)).length - 2 + 1);
  for (const chip of chips) {
    expect(chipsOf(chip.without)).toHaveLength(chips.length - 1);
    expect(chip.without.states).toEqual(FULL.states);
  }
  const left = chips.reduce((filters) => chipsOf(filters)[0]?.without ?? filters, FULL);
  expect(left).toEqual({ ...NO_FILTERS, states: FULL.states, order: FULL.order });
});

it("knows an id of a job, in any letters", () => {
  expect(idOf(" 6wrg02rmbsyb4s71q0b9akq2te.12 ")).toBe("6WRG02RMBSYB4S71Q0B9AKQ2TE.12");
  expect(idOf("nightly")).toBeNull();
});
