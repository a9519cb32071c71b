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
