/** Jobs as the API answers them. */

import type { components } from "../api/schema";

export type Job = components["schemas"]["JobOut"];

/** Returns the answer for one job that is READY and has run never, with `changes`. */
export function aJob(changes: Partial<Job> & { readonly job_id: string }): Job {
  return {
    workflow_id: null,
    key: null,
    name: null,
    description: null,
    type: "tidegate.noop",
    state: "READY",
    priority: 100,
    effective_priority: 100,
    critical_path_boost: 0,
    pool: "lambda",
    requires: [],
    share: null,
    concurrency_key: null,
    concurrency_limit: null,
    held_in: null,
    on_hold: false,
    tags: {},
    submitted_by: "arn:aws:iam::123456789012:user/ann",
    namespace: null,
    attempt: 0,
    tries: 0,
    worker_losses: 0,
    reopened: 0,
    worker: null,
    worker_name: null,
    worker_host: null,
    waiting_on_count: 0,
    created_at: "2026-12-01T08:00:00.000Z",
    not_before: null,
    finish_by: null,
    latest_start: null,
    due_at: null,
    ready_at: "2026-12-01T08:00:00.000Z",
    queued_at: null,
    started_at: null,
    began_at: null,
    finished_at: null,
    cancel_requested_at: null,
    updated_at: "2026-12-01T08:00:00.000Z",
    judgement: null,
    cancel_requested_by: null,
    timeout_seconds: 300,
    max_retries: 3,
    retry: { backoff_seconds: 5, max_backoff_seconds: 600, never_on: [], always_on: [] },
    estimated_duration_seconds: null,
    estimate_source: null,
    actual_duration_seconds: null,
    progress: null,
    outside: null,
    error: null,
    result: null,
    parameters: {},
    depends_on: [],
    history: [{ at: "2026-12-01T08:00:00.000Z", state: "READY", attempt: 0, actor: "ann", reason: null }],
    judgements: [],
    ...changes,
  };
}

/** Returns the answer of `GET /v1/me` for a caller with a role. */
export function aCaller(role: string) {
  return {
    subject: "arn:aws:iam::123456789012:user/ann",
    display: "ann",
    kind: "iam",
    namespace: "arn:aws:iam::123456789012:user/ann",
    namespaces: [],
    role,
    scopes: null,
    version: "0",
    stage: "live",
    stack: "test",
  };
}

/** Texts that callers may write, and that must do no harm where they are shown. */
export const HOSTILE = [
  "<script>window.harmed = true</script>",
  '<img src=x onerror="window.harmed = true">',
  "safe\u202egnp.exe",
  "x".repeat(10_000),
] as const;
