import { expect, it } from "vitest";
import { barsOf, countSince, type Failure, groupFailures, inOrderShown } from "./failures";

function failed(id: string, type: string, code: string | null, minute: number, workflow = "W"): Failure {
  return {
    job_id: id,
    type,
    state: "FAILED",
    workflow_id: workflow,
    finished_at: `2026-12-01T08:${String(minute).padStart(2, "0")}:00.000Z`,
    error: code === null ? null : { code, message: `${id} broke\nand more` },
  };
}

it("makes one group of each type and code, the largest first", () => {
  const groups = groupFailures([
    failed("a", "load", "raised", 9),
    failed("b", "load", "raised", 3, "V"),
    failed("c", "load", "timed-out", 8),
    failed("d", "pay", "raised", 5),
    failed("e", "pay", null, 7),
  ]);
  expect(groups.map((group) => [group.type, group.code, group.count])).toEqual([
    ["load", "raised", 2],
    ["load", "timed-out", 1],
    ["pay", "no-code", 1],
    ["pay", "raised", 1],
  ]);
  expect(groups[0]).toMatchObject({
    first: "2026-12-01T08:03:00.000Z",
    last: "2026-12-01T08:09:00.000Z",
    workflows: 2,
    sampleId: "a",
    sampleMessage: "a broke",
  });
  expect(groupFailures([])).toEqual([]);
});

it("says that there may be more where the list ends before the time", () => {
  const list = [failed("a", "t", "c", 50), failed("b", "t", "c", 40), failed("c", "t", "c", 10)];
  const at = (minute: number) => Date.parse(`2026-12-01T08:${minute}:00.000Z`);
  expect(countSince(list, at(30), false)).toEqual({ count: 2, isAll: true });
  expect(countSince(list, at(10), false)).toEqual({ count: 3, isAll: false });
  expect(countSince(list, at(10), true)).toEqual({ count: 3, isAll: true });
});

it("tells causes apart by their words, and not by their numbers and ids", () => {
  const said = (id: string, minute: number, message: string): Failure => ({
    ...failed(id, "load", "raised", minute, id === "c" ? "V" : "W"),
    error: { code: "raised", message },
  });
  const [group] = groupFailures([
    said("a", 1, "row 17 of 01KBC7RV8M5B6W2Y3Q7RVXN4C1.3 is broken"),
    said("b", 5, "row 9 of 01KBC7RV8M5B6W2Y3Q7RVXN4C2.4 is broken\nmore"),
    said("c", 3, "no space is left"),
  ]);
  expect(group?.causes).toEqual([
    { message: "row 9 of 01KBC7RV8M5B6W2Y3Q7RVXN4C2.4 is broken", count: 2, sampleId: "b" },
    { message: "no space is left", count: 1, sampleId: "c" },
  ]);
  expect(group?.affected).toEqual([
    ["W", 2],
    ["V", 1],
  ]);
  expect(group?.jobIds).toEqual(["a", "c", "b"]);
});

it("counts moments in equal parts of a time, both ends included", () => {
  expect(barsOf([0, 1, 49, 50, 100, 101, -1], 0, 100, 2)).toEqual([3, 2]);
  expect(barsOf([], 0, 0, 3)).toEqual([0, 0, 0]);
});

it("keeps groups where they were shown, and lets new ones wait", () => {
  const before = groupFailures([
    failed("a", "load", "x", 1),
    failed("b", "load", "x", 2),
    failed("c", "pay", "x", 3),
  ]);
  const shown = before.map((group) => group.id);
  const more = ["d", "e", "f"].map((id) => failed(id, "pay", "x", 4));
  const after = groupFailures([
    failed("a", "load", "x", 1),
    failed("c", "pay", "x", 3),
    ...more,
    failed("g", "new", "x", 5),
  ]);
  expect(after.map((group) => group.type)).toEqual(["pay", "new", "load"]);
  const { groups, waiting } = inOrderShown(after, shown);
  expect(groups.map((group) => [group.type, group.count])).toEqual([
    ["load", 1],
    ["pay", 4],
  ]);
  expect(waiting).toBe(1);
});
