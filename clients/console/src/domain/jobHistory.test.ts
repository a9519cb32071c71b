import { describe, expect, it } from "vitest";
import { attemptsOf, labelOf, type Step, staysOf, timesOf } from "./jobHistory";

const at = (second: number) => new Date(Date.parse("2026-12-01T00:00:00Z") + second * 1_000).toISOString();
const step = (second: number, state: string, attempt = 0, reason: string | null = null): Step => ({
  at: at(second),
  state,
  attempt,
  actor: "dispatcher",
  reason,
});
const RETRIED = [
  step(0, "PENDING"),
  step(10, "READY"),
  step(12, "QUEUED"),
  step(13, "RUNNING", 1),
  step(20, "SCHEDULED", 1, "ValueError"),
  step(25, "READY", 1),
  step(26, "QUEUED", 1),
  step(27, "RUNNING", 2),
  step(30, "SUCCEEDED", 2),
];

describe("staysOf", () => {
  it("gives each state its time, and the end none", () => {
    const stays = staysOf(RETRIED, Date.parse(at(100)));
    expect(stays.map((stay) => [stay.state, stay.seconds])).toEqual([
      ["PENDING", 10],
      ["READY", 2],
      ["QUEUED", 1],
      ["RUNNING", 7],
      ["SCHEDULED", 5],
      ["READY", 1],
      ["QUEUED", 1],
      ["RUNNING", 3],
    ]);
    expect(stays.some((stay) => stay.now)).toBe(false);
  });

  it("lets the present state grow, and joins changes that keep it", () => {
    const history = [step(0, "READY"), { ...step(5, "READY"), reason: "priority 900" }];
    expect(staysOf(history, Date.parse(at(60)))).toEqual([
      { state: "READY", from: at(0), attempt: 0, seconds: 60, now: true },
    ]);
  });

  it("counts the time between an end and a retry", () => {
    const history = [step(0, "RUNNING", 1), step(1, "FAILED", 1), step(61, "READY", 1)];
    expect(staysOf(history, Date.parse(at(62)))[1]).toMatchObject({ state: "FAILED", seconds: 60 });
  });
});

it("tells the attempts apart", () => {
  const attempts = attemptsOf(RETRIED, Date.parse(at(100)));
  expect(attempts.map((each) => [each.attempt, each.outcome, each.seconds, each.reason])).toEqual([
    [1, "SCHEDULED", 7, "ValueError"],
    [2, "SUCCEEDED", 3, null],
  ]);
  expect(attemptsOf([step(0, "RUNNING", 1)], Date.parse(at(9)))[0]).toMatchObject({ to: null, seconds: 9 });
});

it("names a job by its key, its name or its id", () => {
  expect(labelOf({ job_id: "A", key: "load", name: "x" })).toBe("load");
  expect(labelOf({ job_id: "A", key: null, name: null })).toBe("A");
});

it("knows how long a job waited and ran", () => {
  const job = {
    state: "RUNNING",
    created_at: at(0),
    ready_at: at(1),
    started_at: at(4),
    finished_at: null,
    actual_duration_seconds: null,
  };
  expect(timesOf(job, Date.parse(at(10)))).toEqual({ waited: 3, ran: 6 });
  expect(timesOf({ ...job, state: "READY", started_at: null }, Date.parse(at(10)))).toEqual({
    waited: 9,
    ran: null,
  });
  const ended = { ...job, state: "SUCCEEDED", finished_at: at(9), actual_duration_seconds: 4.5 };
  expect(timesOf(ended, Date.parse(at(99)))).toEqual({ waited: 3, ran: 4.5 });
});
