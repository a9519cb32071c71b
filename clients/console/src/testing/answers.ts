/** Things as the API answers them, for tests of several screens. */

const NONE = { count: 0, more: false };

/** An idle pool, as the API answers it. */
export const POOL = {
  name: "lambda",
  deployed: true,
  kind: "function",
  capabilities: [],
  tags: {},
  max_timeout_seconds: 900,
  window: 2,
  capacity: 8,
  workers: 0,
  ready: NONE,
  held: NONE,
  active: NONE,
  limited: {},
  fault: "",
  paused: false,
  changes: { paused: null },
};

/** A live worker with three jobs. */
const AT = new Date().toISOString();
export const WORKER = {
  worker_id: "n-1",
  pool: "ecs",
  session_id: "S",
  name: "nightly",
  host: "ip-10",
  state: "ACTIVE",
  live: true,
  slots: 8,
  running: 3,
  claimed: 41,
  succeeded: 36,
  failed: 2,
  handed_back: 0,
  all_sessions: { since: AT, sessions: 3, claimed: 120, succeeded: 111, failed: 5, handed_back: 2, lost: 1 },
  response_seconds: 0.012,
  lacking: [],
  fault: null,
  capabilities: [],
  tags: {},
  started_at: AT,
  heartbeat_at: AT,
  heartbeat_age_seconds: 0,
  drain_requested_at: null,
  drain_requested_by: null,
  clock_off_seconds: 0,
};

/** A job that a worker runs. */
export const WORKER_JOB = {
  job_id: "01KBC7RV8M5B6W2Y3Q7RVXN4C1",
  key: null,
  name: "load",
  type: "t",
  state: "RUNNING",
  attempt: 2,
  started_at: AT,
  began_at: AT,
  finished_at: null,
  actual_duration_seconds: null,
  error_code: null,
};

export const ACT = {
  id: "01KBC7RV8M5B6W2Y3Q7RVXN4C1",
  at: "2026-11-29T08:00:00.000Z",
  act: "pool.pause",
  subject: "pool#lambda",
  route: "POST /v1/pools/{pool}/pause",
  caller: { subject: "arn:aws:iam::1:user/ann", display: "ann", kind: "iam" },
  outcome: "done",
  code: null,
  ended_at: "2026-11-29T08:00:00.000Z",
  before: { paused: false },
  after: { paused: true },
};

export const TYPE = {
  type: "load",
  description: null,
  deployed: true,
  second_attempt: false,
  paused: false,
  max_running: null,
  changes: { paused: null, max_running: null },
};
export const SCHEMA = {
  type: "object",
  required: ["seconds"],
  properties: {
    seconds: { type: "number", minimum: 0, title: "Seconds" },
    mode: { enum: ["fast", "safe"], title: "Mode" },
    sizes: { type: "array", items: { type: "integer" }, title: "Sizes" },
    address: { $ref: "#/$defs/Address" },
  },
  $defs: {
    Address: {
      type: "object",
      title: "Address",
      required: ["city"],
      properties: { city: { type: "string" } },
    },
  },
};
