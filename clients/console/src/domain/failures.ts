/** Failed jobs grouped by what failed in the same way, so that one cause is one line. */

export interface Failure {
  readonly job_id: string;
  readonly type: string;
  readonly state: string;
  readonly workflow_id: string | null;
  readonly finished_at: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The failed jobs of one type with one error code. The API groups them finer, by their causes. */
export interface ErrorGroup {
  readonly type: string;
  readonly code: string;
  readonly count: number;
  readonly last: string | null;
  readonly workflows: number;
  /** The latest failure, as an example of all. */
  readonly sampleId: string;
  readonly sampleMessage: string;
}

/** The code of a job that ended without one. */
export const NO_CODE = "no-code";

/** Groups failures by job type and error code: the largest group first, of equal ones the latest. */
export function groupFailures(failures: readonly Failure[]): readonly ErrorGroup[] {
  const members = new Map<string, Failure[]>();
  for (const failure of failures) {
    const name = nameOf(failure);
    const known = members.get(name);
    if (known === undefined) members.set(name, [failure]);
    else known.push(failure);
  }
  return [...members.values()].map(groupOf).sort(byWeight);
}

function groupOf(members: readonly Failure[]): ErrorGroup {
  const sorted = [...members].sort((one, other) => timeOf(one) - timeOf(other));
  const first = sorted[0] as Failure;
  const last = sorted[sorted.length - 1] as Failure;
  return {
    type: first.type,
    code: first.error?.code ?? NO_CODE,
    count: sorted.length,
    last: last.finished_at,
    workflows: new Set(sorted.map((each) => each.workflow_id).filter((id) => id !== null)).size,
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

function byWeight(one: ErrorGroup, other: ErrorGroup): number {
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
