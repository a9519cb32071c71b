/** Statistics as the API answers them. */

import type { components } from "../api/schema";

type Row = components["schemas"]["StatisticsRowOut"];

const NONE = { count: 0, p50: null, p90: null, p99: null, max: null };

/** Returns the figures of one job that succeeded on 2026-11-29 between 08:00 and 09:00, with `changes`. */
export function aStatisticsRow(changes: Partial<Row> = {}): Row {
  return {
    pool: null,
    type: null,
    share: null,
    worker: null,
    since: "2026-11-29T08:00:00.000Z",
    until: "2026-11-29T09:00:00.000Z",
    ended: 1,
    succeeded: 1,
    failed: 0,
    timed_out: 0,
    cancelled: 0,
    skipped: 0,
    success_rate: 1,
    ended_per_hour: 1,
    measured: 1,
    started: 1,
    tries: 0,
    handed_back: 0,
    lost: 0,
    busy_seconds: 3,
    slot_seconds: null,
    utilisation: null,
    oldest_ready_seconds: null,
    wasted_seconds: 0,
    wait_seconds: { count: 1, p50: 0.5, p90: 2, p99: 120, max: 120 },
    run_seconds: { count: 1, p50: 3, p90: 3, p99: 3, max: 3 },
    overrun: NONE,
    steps: null,
    ...changes,
  };
}

/** Returns the answer with `rows`, counted up to 10:00. */
export function someStatistics(by: string, rows: readonly Row[]) {
  const sum = (of: (row: Row) => number) => rows.reduce((all, row) => all + of(row), 0);
  return {
    by,
    counted_since: "2026-11-01T00:00:00.000Z",
    counted_until: "2026-11-29T10:00:00.000Z",
    relative_error: 0.05,
    rows,
    total: aStatisticsRow({
      until: "2026-11-29T10:00:00.000Z",
      ended: sum((row) => row.ended),
      succeeded: sum((row) => row.succeeded),
      failed: sum((row) => row.failed),
    }),
  };
}
