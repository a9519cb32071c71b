/** The rules of axe that need no layout. Contrast and sizes are measured in a real browser. */

import { screen } from "@testing-library/react";
import axe from "axe-core";
import { expect, it } from "vitest";
import { ACT, POOL, SCHEMA, TYPE, WORKER, WORKER_JOB } from "../testing/answers";
import { aFailureGroup, someFailures } from "../testing/failures";
import { showAt } from "../testing/show";
import { aStatisticsRow, someStatistics } from "../testing/statistics";
import { TIMETABLE_ANSWERS, TIMETABLE_ID } from "../testing/timetables";
import { WEBHOOK_ANSWERS, WEBHOOK_ID } from "../testing/webhooks";

const AT = "2026-11-29T08:00:00.000Z";
const FAILED = {
  job_id: "01KBC7RV8M5B6W2Y3Q7RVXN4C1",
  type: "load",
  state: "FAILED",
  workflow_id: null,
  finished_at: AT,
  error: { code: "raised", message: "broke" },
};
const WORKFLOW = {
  workflow_id: "01KBC7RV8M5B6W2Y3Q7RVXN4C1",
  name: "nightly",
  state: "RUNNING",
  counts: { SUCCEEDED: 3, RUNNING: 1 },
  job_count: 4,
  created_at: AT,
  started_at: AT,
  ended_at: null,
  critical_path_seconds: 60,
  submitted_by: null,
  tags: {},
};
const ANSWERS = {
  "GET /v1/pools": {
    pools: [POOL, { ...POOL, name: "ecs", paused: true, changes: { paused: { by: "ann", at: AT } } }],
  },
  "GET /v1/pools/lambda/shares": {
    shares: [
      { pool: "lambda", share: "data", weight: 3, max_priority: null, max_waiting: 9, by: "ann", at: AT },
    ],
  },
  "GET /v1/jobs": { jobs: [FAILED], looked_at: 1, cursor: null },
  "GET /v1/workflows": { workflows: [WORKFLOW], looked_at: 1, looked_back_to: null, cursor: null },
  "GET /v1/workers": { workers: [WORKER], cursor: null },
  "GET /v1/workers/ecs/n-1/jobs": { running: [WORKER_JOB], ended: [], complete: true, ended_since: AT },
  "GET /v1/types": { types: [TYPE] },
  "GET /v1/types/load": { ...TYPE, parameters_schema: SCHEMA },
  "GET /v1/status": { healthy: true, version: "0", schedules: [], streams: [], pools: [] },
  "GET /v1/stats": someStatistics("hour", [aStatisticsRow()]),
  "GET /v1/failures": someFailures([aFailureGroup()]),
  ...WEBHOOK_ANSWERS,
  ...TIMETABLE_ANSWERS,
  "GET /v1/audit": { acts: [ACT], cursor: "next", looked_back_to: AT },
};

it.each([
  ["/", "schedules and streams are alive"],
  ["/failures", "see the jobs"],
  [`/webhooks?webhook=${WEBHOOK_ID}`, "Webhook chat"],
  ["/timetables", "nightly"],
  [`/timetables/${TIMETABLE_ID}`, "Timetable nightly"],
  ["/timetables/new", "Make the timetable"],
  ["/pools?pool=lambda", "Remove data"],
  ["/types?type=load", "submit a job of this type"],
  ["/workers?worker=ecs%2Fn-1", "all jobs that it ran"],
  ["/workers?view=table", "nightly (n-1)"],
  [`/audit?act=${ACT.id}`, "all acts of the caller"],
  ["/submit?type=load", "Add to Sizes"],
  ["/submit?as=workflow", "Submit the workflow"],
])("%s breaks no rule of axe", async (address, text) => {
  const { container } = showAt(address, ANSWERS);
  await screen.findByText(text);
  const { violations } = await axe.run(container, { rules: { "color-contrast": { enabled: false } } });
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
});
