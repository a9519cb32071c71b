/** Failed jobs grouped by what failed in the same way, so that one cause is one line. */

export interface Failure {
  readonly job_id: string;
  readonly type: string;
  readonly state: string;
  readonly workflow_id: string | null;
  readonly finished_at: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface FailureGroup {
  readonly type: string;
  readonly code: string;
  readonly count: number;
  readonly first: string | null;
  readonly last: string | null;
  readonly workflows: number;
  /** The same for the same type and code, so that a group keeps its place in a list. */
  readonly id: string;
  /** The workflows with how many failures of the group each has, most first. */
  readonly affected: readonly (readonly [string, number])[];
  /** What the jobs said, most frequent first. Messages that differ in numbers and ids alone are one cause. */
  readonly causes: readonly Cause[];
  /** When the jobs ended, in milliseconds, the earliest first. */
  readonly timesMs: readonly number[];
  readonly jobIds: readonly string[];
  /** The latest failure, as an example of all. */
  readonly sampleId: string;
  readonly sampleMessage: string;
}

/** One way in which jobs of a group failed, with the latest of them as a sample. */
export interface Cause {
  readonly message: string;
  readonly count: number;
  readonly sampleId: string;
}

/** The code of a job that ended without one. */
export const NO_CODE = "no-code";

/** Groups failures by job type and error code: the largest group first, of equal ones the latest. */
export function groupFailures(failures: readonly Failure[]): readonly FailureGroup[] {
  const members = new Map<string, Failure[]>();
  for (const failure of failures) {
    const name = nameOf(failure);
    const known = members.get(name);
    if (known === undefined) members.set(name, [failure]);
    else known.push(failure);
  }
  return [...members.values()].map(groupOf).sort(byWeight);
}

function groupOf(members: readonly Failure[]): FailureGroup {
  const sorted = [...members].sort((one, other) => timeOf(one) - timeOf(other));
  const first = sorted[0] as Failure;
  const last = sorted[sorted.length - 1] as Failure;
  const affected = counted(sorted.map((each) => each.workflow_id).filter((id) => id !== null));
  return {
    type: first.type,
    code: first.error?.code ?? NO_CODE,
    count: sorted.length,
    first: first.finished_at,
    last: last.finished_at,
    workflows: affected.length,
    id: nameOf(first),
    affected,
    causes: causesOf(sorted),
    timesMs: sorted.map(timeOf).filter((time) => time > 0),
    jobIds: sorted.map((each) => each.job_id),
    sampleId: last.job_id,
    sampleMessage: firstLine(last),
  };
}

function nameOf(failure: Failure): string {
  return `${failure.type}\n${failure.error?.code ?? NO_CODE}`;
}

function firstLine(failure: Failure): string {
  return (failure.error?.message ?? "").split("\n")[0] ?? "";
}

/** Returns the texts with how often each is there, the most frequent first. */
function counted(texts: readonly string[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one);
}

// Ids of jobs and requests, addresses in memory, and numbers: they differ from job to job for one and the same cause.
const VARYING =
  /[0-9A-HJKMNP-TV-Z]{26}(?:\.\d+)?|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|0x[0-9a-f]+|\d+/gi;

/** Returns the causes of failures that are sorted by their time. */
function causesOf(sorted: readonly Failure[]): readonly Cause[] {
  const causes = new Map<string, Cause>();
  for (const failure of sorted) {
    const message = firstLine(failure);
    const name = message.replace(VARYING, "#");
    causes.set(name, { message, count: (causes.get(name)?.count ?? 0) + 1, sampleId: failure.job_id });
  }
  return [...causes.values()].sort((one, other) => other.count - one.count);
}

/** Returns how many of some moments lie in each of `count` equal parts of the time from `fromMs` to `toMs`. */
export function barsOf(
  timesMs: readonly number[],
  fromMs: number,
  toMs: number,
  count: number,
): readonly number[] {
  const bars = Array.from({ length: count }, () => 0);
  const each = Math.max(1, toMs - fromMs) / count;
  for (const time of timesMs) {
    if (time < fromMs || time > toMs) continue;
    const bar = Math.min(count - 1, Math.floor((time - fromMs) / each));
    bars[bar] = (bars[bar] ?? 0) + 1;
  }
  return bars;
}

/** Groups as they stand in a list that somebody reads, and how many new ones wait to be shown. */
export interface ShownGroups {
  readonly groups: readonly FailureGroup[];
  readonly waiting: number;
}

/** Keeps the groups in the order in which they were shown, so that none moves while somebody reads. */
export function inOrderShown(groups: readonly FailureGroup[], shown: readonly string[]): ShownGroups {
  const byId = new Map(groups.map((group) => [group.id, group]));
  const kept = shown.flatMap((id) => byId.get(id) ?? []);
  return { groups: kept, waiting: groups.length - kept.length };
}

function byWeight(one: FailureGroup, other: FailureGroup): number {
  return other.count - one.count || Date.parse(other.last ?? "") - Date.parse(one.last ?? "") || 0;
}

function timeOf(failure: Failure): number {
  return failure.finished_at === null ? 0 : Date.parse(failure.finished_at);
}

/** How many of a list there are since a time: all of them where the list goes back that far, else at least so many. */
export interface AtLeast {
  readonly count: number;
  readonly isAll: boolean;
}

/** Counts the failures since `sinceMs` in a list that begins with the latest; `isWhole` says that nothing follows it. */
export function countSince(failures: readonly Failure[], sinceMs: number, isWhole: boolean): AtLeast {
  const count = failures.filter((each) => timeOf(each) >= sinceMs).length;
  return { count, isAll: isWhole || count < failures.length };
}
