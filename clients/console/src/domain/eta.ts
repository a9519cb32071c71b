/** When a workflow may end, as far as its row in a list tells. */

import { TERMINAL } from "./states";
import { durationText } from "./times";

export interface Timed {
  readonly state: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly job_count: number;
  readonly started_at: string | null;
  readonly critical_path_seconds: number | null;
}

export interface Eta {
  readonly seconds: number;
  /** What the time follows from, in words. */
  readonly by: string;
}

const RAN = ["SUCCEEDED", "FAILED", "TIMED_OUT"] as const;

/**
 * Returns how long a running workflow may still take: the longer of what its estimates and its pace so far say. Null
 * where neither says anything. The estimates are those of its critical path, the pace that of the jobs that ran.
 */
export function etaOf(workflow: Timed, nowMs: number): Eta | null {
  if (workflow.state !== "RUNNING" || workflow.started_at === null) return null;
  const elapsed = Math.max(0, (nowMs - Date.parse(workflow.started_at)) / 1_000);
  const ran = RAN.reduce((sum, state) => sum + (workflow.counts[state] ?? 0), 0);
  const ended = Object.entries(workflow.counts).reduce(
    (sum, [state, count]) => (TERMINAL.has(state) ? sum + count : sum),
    0,
  );
  const found: Eta[] = [];
  if (workflow.critical_path_seconds !== null && workflow.critical_path_seconds > elapsed) {
    const path = workflow.critical_path_seconds;
    found.push({
      seconds: path - elapsed,
      by: `by the estimates: its critical path takes ${durationText(path)}`,
    });
  }
  if (ran > 0) {
    const jobs = `${ran.toLocaleString("en")} ${ran === 1 ? "job" : "jobs"}`;
    found.push({
      seconds: (elapsed / ran) * Math.max(0, workflow.job_count - ended),
      by: `by its pace: ${jobs} ran in the ${durationText(elapsed)} since its first job started`,
    });
  }
  return found.reduce<Eta | null>(
    (most, each) => (most === null || each.seconds > most.seconds ? each : most),
    null,
  );
}

/** Returns the time as words. Its last figures would say more than is known, so they are left out. */
export function etaText(eta: Eta): string {
  const { seconds } = eta;
  const step = seconds < 60 ? 5 : seconds < 3_600 ? 60 : 3_600;
  return `about ${durationText(Math.max(step, Math.round(seconds / step) * step))}`;
}
