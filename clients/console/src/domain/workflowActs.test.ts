import { expect, it } from "vitest";
import { jobsReached, tallyOfWorkflows, WORKFLOW_ACTS, whyNotWorkflow } from "./workflowActs";

const workflow = (state: string, counts: Record<string, number>) => ({ workflow_id: "W", state, counts });

it("says which acts a workflow allows, and why not the others", () => {
  const why = (state: string, counts: Record<string, number>) =>
    WORKFLOW_ACTS.map((act) => whyNotWorkflow(act, workflow(state, counts)));
  expect(why("RUNNING", { RUNNING: 1, PENDING: 2 })).toEqual([
    null,
    "no job of it has ended without success",
    null,
    "it is not on hold",
  ]);
  expect(why("RUNNING", { RUNNING: 1, FAILED: 1 })).toEqual([
    null,
    null,
    "none of its jobs waits",
    "it is not on hold",
  ]);
  expect(why("HELD", { READY: 1 })).toEqual([
    null,
    "no job of it has ended without success",
    "it is on hold",
    null,
  ]);
  expect(why("FAILED", { FAILED: 1, SKIPPED: 3 })).toEqual([
    "all of its jobs have ended",
    null,
    "all of its jobs have ended",
    "all of its jobs have ended",
  ]);
});

it("counts the jobs that an act may reach", () => {
  const { counts } = workflow("RUNNING", { READY: 2, PENDING: 3, RUNNING: 5, FAILED: 7, SKIPPED: 11 });
  expect(jobsReached("hold", { workflow_id: "W", state: "RUNNING", counts })).toBe(5);
  expect(jobsReached("rerun", { workflow_id: "W", state: "RUNNING", counts })).toBe(18);
});

it("tallies outcomes, with the reasons of those that are left", () => {
  const outcome = (jobs: number, asked: number, reason: string | null, complete = true) => ({
    workflowId: "W",
    jobs,
    asked,
    reason,
    complete,
  });
  expect(
    tallyOfWorkflows([
      outcome(5, 2, null),
      outcome(3, 0, null, false),
      outcome(0, 0, "b"),
      outcome(0, 0, "a"),
      outcome(9, 9, "a"),
    ]),
  ).toEqual({
    workflows: 2,
    jobs: 8,
    asked: 2,
    left: 3,
    complete: false,
    reasons: [
      ["a", 2],
      ["b", 1],
    ],
  });
});
