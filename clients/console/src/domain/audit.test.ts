import { expect, it } from "vitest";
import { differences, differenceText, subjectOf } from "./audit";

it("reads what an act is about", () => {
  expect(subjectOf("pool#lambda")).toEqual({ kind: "pool", name: "lambda" });
  expect(subjectOf("worker#ecs#nightly-1")).toEqual({ kind: "worker", pool: "ecs", name: "nightly-1" });
  expect(subjectOf("share#ecs#data")).toEqual({ kind: "share", pool: "ecs", name: "data" });
  expect(subjectOf("grant#arn:aws:iam::1:role/R")).toEqual({ kind: "grant", name: "arn:aws:iam::1:role/R" });
  expect(subjectOf("jobs")).toEqual({ kind: "other", name: "jobs" });
  expect(subjectOf("worker#ecs")).toEqual({ kind: "other", name: "worker#ecs" });
});

it("says what changed", () => {
  const said = (before: object, after: object) =>
    differences({ ...before }, { ...after }).map(differenceText);
  expect(said({ paused: false }, { paused: true })).toEqual(["paused: false → true"]);
  expect(said({}, { reopened: 4 })).toEqual(["reopened: 4"]);
  expect(said({ max_running: 3 }, { max_running: null })).toEqual(["max_running: 3 → none"]);
  expect(said({ weight: 2 }, {})).toEqual(["weight: 2 → gone"]);
});
