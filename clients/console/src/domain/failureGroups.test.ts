import { expect, it } from "vitest";
import { countOfLast, type FailureGroup, groupsOf, inOrderShown } from "./failureGroups";

function aGroup(fingerprint: string, count: number, changes: Partial<FailureGroup> = {}): FailureGroup {
  return {
    fingerprint,
    type: "load",
    code: "raised",
    pattern: "row <number> is broken",
    message: "row 7 is broken",
    count,
    first_at: "2026-12-01T08:00:00.000Z",
    last_at: "2026-12-01T09:00:00.000Z",
    over_time: [0, count],
    job_ids: ["b", "a"],
    workflow_count: 1,
    workflows: [{ workflow_id: "W", jobs: count }],
    muted: null,
    ...changes,
  };
}

it("adds up a group that is on several pages, and keeps what the newest page says of it", () => {
  const earlier = aGroup("x", 5, {
    first_at: "2026-12-01T01:00:00.000Z",
    last_at: "2026-12-01T02:00:00.000Z",
    over_time: [5, 0],
    message: "row 1 is broken",
    job_ids: ["z"],
    workflow_count: 3,
  });
  const groups = groupsOf([[aGroup("y", 3), aGroup("x", 2)], [earlier]]);
  expect(groups.map(({ fingerprint, count }) => [fingerprint, count])).toEqual([
    ["x", 7],
    ["y", 3],
  ]);
  expect(groups[0]).toMatchObject({
    first_at: "2026-12-01T01:00:00.000Z",
    last_at: "2026-12-01T09:00:00.000Z",
    over_time: [5, 2],
    message: "row 7 is broken",
    job_ids: ["b", "a"],
    workflow_count: 3,
  });
  expect(groupsOf([])).toEqual([]);
});

it("adds up the jobs of a workflow that is on several pages, and counts those that are on one", () => {
  const named = (...jobs: readonly (readonly [string, number])[]): Partial<FailureGroup> => ({
    workflow_count: jobs.length,
    workflows: jobs.map(([workflow_id, count]) => ({ workflow_id, jobs: count })),
  });
  const pages = [named(["A", 4], ["B", 2]), named(["C", 9], ["A", 6]), named(["D", 1])];
  const [group] = groupsOf(pages.map((changes) => [aGroup("x", 10, changes)]));
  expect(group?.workflows.map(({ workflow_id, jobs }) => [workflow_id, jobs])).toEqual([
    ["A", 10],
    ["C", 9],
    ["B", 2],
    ["D", 1],
  ]);
  expect(group?.workflow_count).toBe(4);
});

it("keeps groups where they were shown, and lets new ones wait", () => {
  const after = groupsOf([[aGroup("x", 1), aGroup("y", 4), aGroup("z", 2)]]);
  expect(after.map(({ fingerprint }) => fingerprint)).toEqual(["y", "z", "x"]);
  const { groups, waiting } = inOrderShown(after, ["x", "gone", "y"]);
  expect(groups.map(({ fingerprint, count }) => [fingerprint, count])).toEqual([
    ["x", 1],
    ["y", 4],
  ]);
  expect(waiting).toBe(1);
});

it("counts the jobs of the last bars, and says whether the list goes back as far", () => {
  const groups = [aGroup("a", 3, { over_time: [4, 1, 2] }), aGroup("b", 5)];
  const at = (time: string) => Date.parse(`2026-12-01T${time}:00.000Z`);
  expect(countOfLast(groups, 1, at("08:30"), false)).toEqual({ count: 7, isAll: true });
  expect(countOfLast(groups, 2, at("08:00"), false)).toEqual({ count: 8, isAll: false });
  expect(countOfLast(groups, 2, at("08:00"), true)).toEqual({ count: 8, isAll: true });
  expect(countOfLast([], 1, at("08:00"), true)).toEqual({ count: 0, isAll: true });
});
