import { expect, it } from "vitest";
import { groupJobs } from "../graph/groups";
import type { Json } from "./model";
import { boundsOfLine } from "./spots";
import { faultsOfWorkflow, graphOf, keysOf } from "./workflowText";

const job = (key: string, ...upstreams: string[]): Json => ({
  key,
  type: `t-${key.charAt(0)}`,
  depends_on: upstreams.map((upstream) => ({ key: upstream })),
});

it("finds what is wrong before the API is asked", () => {
  const said = (value: Json) => faultsOfWorkflow(value).map(({ field, message }) => `${field}: ${message}`);
  expect(said([])).toEqual([": must be an object with a list of jobs"]);
  expect(said({ jobs: [] })).toEqual(["jobs: a workflow needs at least one job"]);
  expect(
    said({
      jobs: [
        { key: "a" },
        7,
        { key: "a", type: "t", depends_on: [{ key: "gone" }, { job_id: "x" }, 1, { key: "a" }] },
        { type: "t", depends_on: {} },
      ],
    }),
  ).toEqual([
    "jobs[0].type: a job needs a type, which is a text",
    "jobs[1]: must be an object",
    "jobs[2].key: the key a is that of job number 1 too",
    "jobs[2].depends_on[0].key: no job of this workflow has the key gone",
    'jobs[2].depends_on[2]: must be an object, such as {"key": "extract"}',
    "jobs[3].key: a job of a workflow needs a key, which is a text",
    "jobs[3].depends_on: must be a list",
  ]);
  expect(said({ jobs: [job("a", "a")] })).toEqual([
    "jobs[0].depends_on[0].key: the job would wait for itself",
  ]);
  expect(said({ jobs: Array.from({ length: 10_001 }, () => 1) })).toEqual([
    "jobs: has 10,001 jobs; at most 10,000",
  ]);
  expect(said({ jobs: Array.from({ length: 100 }, () => 1) })).toHaveLength(20);
});

it("names the jobs of a circle, and no others", () => {
  const jobs = [job("start"), job("a", "start", "c"), job("b", "a"), job("c", "b"), job("end", "c")];
  const [fault] = faultsOfWorkflow({ jobs });
  expect(fault?.message).toMatch(/^the jobs wait for each other in a circle: /);
  const keys = fault?.message.split(": ")[1]?.split(" waits for ") ?? [];
  expect(keys[0]).toBe(keys.at(-1));
  expect([...new Set(keys)].sort()).toEqual(["a", "b", "c"]);
});

it("makes the graph that the submission would have, also where a job stands before its upstream", () => {
  const value = {
    jobs: [job("z1", "a1", "a2"), job("a1"), { ...(job("a2") as object), depends_on: [{ job_id: "X" }] }],
  };
  expect(faultsOfWorkflow(value)).toEqual([]);
  const graph = graphOf(value);
  expect([graph.count, graph.depth, [...graph.levels]]).toEqual([3, 2, [1, 0, 0]]);
  expect(graph.outside).toHaveLength(1);
  expect(groupJobs(graph).groups.map((group) => [group.label, group.jobs.length])).toEqual([
    ["t-a, level 1", 2],
    ["t-z, level 2", 1],
  ]);
  expect(keysOf(value)).toEqual(["z1", "a1", "a2"]);
});

it("knows where a line begins and ends", () => {
  expect([1, 2, 3, 9].map((line) => boundsOfLine("ab\nc\n", line))).toEqual([
    [0, 2],
    [3, 4],
    [5, 5],
    [5, 5],
  ]);
});
