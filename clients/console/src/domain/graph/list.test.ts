import { expect, it } from "vitest";
import { compactGraph } from "../../testing/graphs";
import { decodeGraph } from "./graph";
import { jobsWhere, typesIn } from "./list";

const graph = decodeGraph(
  compactGraph(
    [[], [], [0, 1], [2]],
    (job) => (job < 2 ? "fetch" : "load"),
    (job) => [3, 9, null, 5][job] ?? null,
  ),
);
const ALL = { text: "", states: [], sort: "submission" } as const;

it("finds jobs by a part of the key or the type, and by state", () => {
  expect(jobsWhere(graph, "SFPP", ALL)).toEqual([0, 1, 2, 3]);
  expect(jobsWhere(graph, "SFPP", { ...ALL, text: " LOAD " })).toEqual([2, 3]);
  expect(jobsWhere(graph, "SFPP", { ...ALL, text: "b-3" })).toEqual([3]);
  expect(jobsWhere(graph, "SFPP", { ...ALL, states: ["FAILED", "SUCCEEDED"] })).toEqual([0, 1]);
});

it("sorts them", () => {
  expect(jobsWhere(graph, "SFPP", { ...ALL, sort: "state" })).toEqual([2, 3, 1, 0]);
  expect(jobsWhere(graph, "SFPP", { ...ALL, sort: "estimate" })).toEqual([1, 3, 0, 2]);
  expect(jobsWhere(graph, "SFPP", { ...ALL, sort: "level" })).toEqual([0, 1, 2, 3]);
  const keys = decodeGraph(compactGraph(Array.from({ length: 11 }, () => [])));
  expect(jobsWhere(keys, "", { ...ALL, sort: "key" }).slice(-2)).toEqual([9, 10]);
});

it("counts types in some states, most first", () => {
  expect(typesIn(graph, "SFKK", new Set(["FAILED", "SKIPPED"]))).toEqual([
    ["load", 2],
    ["fetch", 1],
  ]);
  expect(typesIn(graph, "SSSS", new Set(["FAILED"]))).toEqual([]);
});
