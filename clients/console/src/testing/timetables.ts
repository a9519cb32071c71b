/** Timetables as the API answers with them. */

import type { components } from "../api/schema";

type Timetable = components["schemas"]["TimetableOut"];
type Run = components["schemas"]["TimetableRunOut"];

export const TIMETABLE_ID = "01KBC7RV8M5B6W2Y3Q7RVXN4C9";
const AT = "2026-12-01T05:00:00.000Z";

export function aRun(more: Partial<Run> = {}): Run {
  return {
    scheduled_at: AT,
    recorded_at: AT,
    cause: "timetable",
    outcome: "submitted",
    count: 1,
    job_id: "01KBC7RV8M5B6W2Y3Q7RVXN4C1",
    workflow_id: null,
    state: "SUCCEEDED",
    code: null,
    message: null,
    ...more,
  };
}

export function aTimetable(more: Partial<Timetable> = {}): Timetable {
  return {
    timetable_id: TIMETABLE_ID,
    name: "nightly",
    state: "ACTIVE",
    cron: "0 6 * * *",
    zone: "Europe/Berlin",
    every_seconds: null,
    anchor: null,
    start: null,
    end: null,
    jitter_seconds: 0,
    missed: "skip",
    grace_seconds: 300,
    overlap: "allow",
    kind: "job",
    job_types: ["tidegate.sleep"],
    submitted_by: "ann",
    created_at: AT,
    changed_at: AT,
    changed_by: "ann",
    version: 1,
    next_at: "2026-12-02T05:00:00.000Z",
    last_run: aRun(),
    job: { type: "tidegate.sleep", parameters: { seconds: 2 } },
    workflow: null,
    ...more,
  };
}

/** What the screens of a timetable ask for. */
export const TIMETABLE_ANSWERS = {
  "GET /v1/timetables": { timetables: [aTimetable()], cursor: null },
  [`GET /v1/timetables/${TIMETABLE_ID}`]: aTimetable(),
  [`GET /v1/timetables/${TIMETABLE_ID}/next`]: {
    timetable_id: TIMETABLE_ID,
    zone: "Europe/Berlin",
    times: [
      { scheduled_at: "2026-12-02T05:00:00.000Z", local: "2026-12-02T06:00:00+01:00", begins_at: AT },
      { scheduled_at: "2026-12-03T05:00:00.000Z", local: "2026-12-03T06:00:00+01:00", begins_at: AT },
    ],
  },
  [`GET /v1/timetables/${TIMETABLE_ID}/runs`]: { runs: [aRun()], cursor: null },
};
