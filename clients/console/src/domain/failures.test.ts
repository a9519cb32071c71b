import { expect, it } from "vitest";
import { countSince, type Failure, groupFailures } from "./failures";

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
