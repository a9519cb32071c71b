/** Failure groups as the API tells them, over several pages, and their order on the screen. */

export interface Change {
  readonly by: string;
  readonly at: string | null;
}

export interface FailureGroup {
  readonly fingerprint: string;
  readonly type: string;
  readonly code: string | null;
  /** The first line of the error's message, without the parts that differ from job to job. */
  readonly pattern: string;
  readonly message: string;
  readonly count: number;
  readonly first_at: string | null;
  readonly last_at: string | null;
  readonly over_time: readonly number[];
  /** The latest jobs, the latest first. */
  readonly job_ids: readonly string[];
  readonly workflow_count: number;
  /** Those with the most of the jobs, and how many; a page names only some of the workflows that it counts. */
  readonly workflows: readonly { readonly workflow_id: string; readonly jobs: number }[];
  readonly muted: Change | null;
}

/**
 * Returns the groups of all pages, the largest first. The newest failures are on the first page, so it has a group's
 * latest jobs. Pages name only some of the workflows that they count, so of several pages the workflows and the jobs of
 * each are the least that there can be.
 */
export function groupsOf(pages: readonly (readonly FailureGroup[])[]): readonly FailureGroup[] {
  const found = new Map<string, FailureGroup>();
  for (const group of pages.flat()) {
    const known = found.get(group.fingerprint);
    found.set(
      group.fingerprint,
      known === undefined
        ? group
        : {
            ...known,
            count: known.count + group.count,
            first_at: group.first_at ?? known.first_at,
            over_time: known.over_time.map((count, step) => count + (group.over_time[step] ?? 0)),
            ...together(known, group),
          },
    );
  }
  return [...found.values()].sort((one, other) => other.count - one.count);
}

type Affected = Pick<FailureGroup, "workflow_count" | "workflows">;

/** Returns the workflows of two pages with a group, those with the most of its jobs first. */
function together(known: Affected, group: Affected): Affected {
  const jobsOf = new Map<string, number>();
  for (const { workflow_id, jobs } of [...known.workflows, ...group.workflows])
    jobsOf.set(workflow_id, (jobsOf.get(workflow_id) ?? 0) + jobs);
  return {
    workflow_count: Math.max(known.workflow_count, group.workflow_count, jobsOf.size),
    workflows: [...jobsOf]
      .map(([workflow_id, jobs]) => ({ workflow_id, jobs }))
      .sort((one, other) => other.jobs - one.jobs),
  };
}

/** How many of a list there are since a time: all of them where the list goes back that far, else at least so many. */
export interface AtLeast {
  readonly count: number;
  readonly isAll: boolean;
}

/**
 * Counts the jobs of the groups that failed within the last `steps` of their bars. The newest failures are seen first:
 * where an earlier one is seen, before `sinceMs`, none since then is left out.
 */
export function countOfLast(
  groups: readonly FailureGroup[],
  steps: number,
  sinceMs: number,
  isWhole: boolean,
): AtLeast {
  const count = groups
    .flatMap((group) => group.over_time.slice(-steps))
    .reduce((sum, failed) => sum + failed, 0);
  return { count, isAll: isWhole || groups.some((group) => Date.parse(group.first_at ?? "") < sinceMs) };
}

/** Groups as they stand in a list that somebody reads, and how many new ones wait to be shown. */
export interface ShownGroups {
  readonly groups: readonly FailureGroup[];
  readonly waiting: number;
}

/** Keeps the groups in the order in which they were shown, so that none moves while somebody reads. */
export function inOrderShown(groups: readonly FailureGroup[], shown: readonly string[]): ShownGroups {
  const byId = new Map(groups.map((group) => [group.fingerprint, group]));
  const kept = shown.flatMap((id) => byId.get(id) ?? []);
  return { groups: kept, waiting: groups.length - kept.length };
}
