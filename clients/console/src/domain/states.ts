/** The states of jobs and workflows: their words, their order in lists, and what they have in common. */

export const JOB_STATES = [
  "RUNNING",
  "QUEUED",
  "READY",
  "SCHEDULED",
  "PENDING",
  "FAILED",
  "TIMED_OUT",
  "CANCELLED",
  "SKIPPED",
  "SUCCEEDED",
] as const;

export type JobState = (typeof JOB_STATES)[number];

export const WORKFLOW_STATES = ["RUNNING", "HELD", "SUCCEEDED", "FAILED", "CANCELLED"] as const;

export type WorkflowState = (typeof WORKFLOW_STATES)[number];

export const TERMINAL: ReadonlySet<string> = new Set([
  "SUCCEEDED",
  "FAILED",
  "TIMED_OUT",
  "CANCELLED",
  "SKIPPED",
]);

/** States in which a job waits, so that it can be changed, put on hold, and asked why it is not running. */
export const WAITING: ReadonlySet<string> = new Set(["PENDING", "SCHEDULED", "READY"]);

/** States from which a retry opens a job again. */
export const REOPENABLE: ReadonlySet<string> = new Set(["FAILED", "TIMED_OUT", "CANCELLED", "SKIPPED"]);

/** The letters of `GET /v1/workflows/{id}/states`, one for each job. */
export const STATE_OF_LETTER: Readonly<Record<string, JobState>> = {
  P: "PENDING",
  D: "SCHEDULED",
  R: "READY",
  Q: "QUEUED",
  A: "RUNNING",
  S: "SUCCEEDED",
  F: "FAILED",
  T: "TIMED_OUT",
  C: "CANCELLED",
  K: "SKIPPED",
};

export function isJobState(text: string): text is JobState {
  return (JOB_STATES as readonly string[]).includes(text);
}
