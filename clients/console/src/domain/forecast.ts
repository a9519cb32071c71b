/** When a job or a workflow starts and ends, as the API forecasts it. */

import { counted } from "./numbers";
import { relativeText, timeText, type Zone } from "./times";

/** A forecast time with the bounds of its interval, RFC 3339 each. */
export interface Interval {
  readonly median: string;
  readonly low: string;
  readonly high: string;
}

/** A change that makes an end in time more probable, and the probability after it. One of the two is null. */
export interface Help {
  readonly probability: number;
  readonly priority: number | null;
  readonly add_slots: Readonly<Record<string, number>> | null;
}

/** What may be known about a time to finish by. */
export const VERDICTS = ["on-course", "at-risk", "impossible", "missed"] as const;

export type Verdict = (typeof VERDICTS)[number];

/** The judgement about the time by which a job or a workflow ought to end. */
export interface Judgement {
  readonly at: string;
  readonly verdict: Verdict;
  readonly probability: number;
  /** When it would end without any wait, known where the time is impossible. */
  readonly earliest: string | null;
  readonly helps: readonly Help[];
}

/** Returns a probability in words, such as `95 %`. */
export function percentText(probability: number): string {
  return `${Math.round(probability * 100)} %`;
}

/** Returns what a change is and what it brings: `with 4 more slots in ecs: 95 %`. */
export function helpText({ priority, add_slots, probability }: Help): string {
  const slots = Object.entries(add_slots ?? {}).map(
    ([pool, more]) => `${counted(more, "more slot")} in ${pool}`,
  );
  const change = slots.length > 0 ? slots.join(" and ") : `priority ${priority}`;
  return `with ${change}: ${percentText(probability)}`;
}

/** A forecast reads every job that is left. Of more than these it is made only when somebody asks for it. */
export const MOST_UNASKED = 1_000;

/** The API draws a small scene so often, and a large one less often. */
const MOST_DRAWS = 60;

/** Returns whether a forecast read so few jobs that it may be read again by itself. Nothing changes of 0 draws. */
export function isCheap(forecast: { readonly draws: number } | undefined): boolean {
  return forecast !== undefined && forecast.draws >= MOST_DRAWS;
}

/** The page's clock stands for so long. What was expected meanwhile may have come. */
const CLOCK_MS = 5_000;

/** Returns how far ahead a forecast time is at `nowMs`: `in 2 min`, `now` or `was expected 3 min ago`. */
export function aheadText(iso: string, nowMs: number): string {
  const pastMs = nowMs - Date.parse(iso);
  if (pastMs >= 0 && pastMs <= CLOCK_MS) return "now";
  return pastMs < 0 ? relativeText(iso, nowMs) : `was expected ${relativeText(iso, nowMs)}`;
}

/**
 * Returns the bounds of an interval in `zone`, such as `08:00:53 and 08:10:02`; with their day where it is not the
 * median's. Null where the interval is one moment.
 */
export function boundsText({ median, low, high }: Interval, zone: Zone): string | null {
  if (low === high) return null;
  const dayOf = (text: string) => text.slice(0, text.indexOf(" ") + 1);
  const day = dayOf(timeText(median, zone));
  return [low, high]
    .map((each) => timeText(each, zone))
    .map((text) => (dayOf(text) === day ? text.slice(day.length) : text))
    .join(" and ");
}

interface Outlook {
  readonly end: Interval | null;
  readonly draws: number;
}

const SKIPPED = "going-to-be-skipped";

/**
 * Says why a job has no forecast end; null where it has one, or ended while the forecast was made. The note on skipped
 * jobs is about the whole workflow. It tells of the job itself where nothing was drawn, for one that ended has no notes.
 */
export function whyNoEnd(
  job: Outlook & { readonly start: Interval | null; readonly notes: readonly { readonly code: string }[] },
  runs: boolean,
): string | null {
  if (job.end !== null) return null;
  if (job.draws === 0) {
    return job.notes.some(({ code }) => code === SKIPPED) ? "It is going to be skipped." : null;
  }
  return `It does not ${runs || job.start !== null ? "end" : "start"} as things stand.`;
}

/** Says why a workflow has no forecast end; null where it has one, or has ended. */
export function whyNoWorkflowEnd(workflow: Outlook & { readonly jobs_left: number }): string | null {
  if (workflow.end !== null || workflow.jobs_left === 0) return null;
  return workflow.draws === 0
    ? "All that is left of it is going to be skipped."
    : "It does not end as things stand.";
}

/** Returns whether a job runs longer than its estimate at `nowMs`, as the filter of the job list counts it. */
export function isOverdue(
  job: {
    readonly state: string;
    readonly started_at: string | null;
    readonly estimated_duration_seconds: number | null;
  },
  nowMs: number,
): boolean {
  const { state, started_at: started, estimated_duration_seconds: estimate } = job;
  if (state !== "RUNNING" || started === null || estimate === null) return false;
  return nowMs - Date.parse(started) > estimate * 1_000;
}
