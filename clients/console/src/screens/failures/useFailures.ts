/** The reads of the failures screen: groups of the newest failed jobs since a time, some pages of them in one go. */

import type { UseQueryResult } from "@tanstack/react-query";
import { type Api, answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useKept } from "../../api/live";
import { useTurns } from "../../api/pace";
import type { components } from "../../api/schema";
import { type FailureGroup, groupsOf } from "../../domain/failureGroups";
import { sinceMs } from "../../domain/jobFilters";
import { BUSY_MS, IDLE_MS, QUIET_TIMES } from "../../domain/polling";

/** A page costs as much as one list for each of so many jobs that it looks at. */
const JOBS_OF_A_LIST = 200;
export const MOST_PAGES = 5;
/** Where something failed so lately, more may fail. */
const LATELY_MS = 300_000;

export interface Asked {
  /** How far back, such as `24h`. */
  readonly since: string;
  readonly withMuted: boolean;
  /** The most pages to read. Each looks at 1,000 jobs at most. */
  readonly most: number;
}

export interface Failures {
  /** What was asked for; while other failures are read, these are still shown. */
  readonly asked: Asked;
  readonly groups: readonly FailureGroup[];
  /** Whether muted groups are left out. */
  readonly leavesOut: boolean;
  readonly fromMs: number;
  readonly toMs: number;
  readonly lookedAt: number;
  /** How many pages were read. */
  readonly pages: number;
  /** False where there are earlier failures that nobody has looked at. */
  readonly isWhole: boolean;
}

const isMoving = ({ groups, toMs }: Failures) =>
  groups.some((group) => toMs - Date.parse(group.last_at ?? "") < LATELY_MS);

/** Returns how many lists of jobs the last read cost as much as. */
export function listsOf(data: Failures | undefined): number {
  return Math.max(1, Math.ceil((data?.lookedAt ?? 0) / JOBS_OF_A_LIST));
}

/** Reads the groups: pages until the end, or until `asked.most`. */
export async function readFailures(api: Api, asked: Asked, signal: AbortSignal): Promise<Failures> {
  const since = new Date(Date.now() - (sinceMs(asked.since) ?? 0)).toISOString();
  const pages: components["schemas"]["FailuresOut"][] = [];
  let cursor: string | null = null;
  do {
    const query: { since: string; muted: boolean; cursor?: string } = {
      since,
      muted: asked.withMuted,
      ...(cursor === null ? {} : { cursor }),
    };
    const page: components["schemas"]["FailuresOut"] = await answerOf(
      api.GET("/v1/failures", { params: { query }, signal }),
    );
    pages.push(page);
    cursor = page.cursor;
  } while (cursor !== null && pages.length < asked.most);
  return {
    asked,
    groups: groupsOf(pages.map((page) => page.groups)),
    leavesOut: pages.some((page) => page.left_out > 0),
    fromMs: Date.parse(pages[0]?.since ?? since),
    toMs: Date.parse(pages[0]?.until ?? since),
    lookedAt: pages.reduce((sum, page) => sum + page.looked_at, 0),
    pages: pages.length,
    isWhole: cursor === null,
  };
}

/**
 * Reads the groups of failures. Where the answer looks at few jobs, it takes every turn of the tab. One that looks at
 * more costs as much as several lists of jobs, so it is read so much less often.
 */
export function useFailures(asked: Asked): UseQueryResult<Failures> {
  const api = useApi();
  const key = ["failures", asked.since, asked.withMuted, asked.most];
  const failures = useKept(key, (signal) => readFailures(api, asked, signal), true);
  const { data } = failures;
  const lists = listsOf(data);
  useTurns(key, {
    leads: lists === 1,
    // Nothing leads where these cost several lists, and what follows nothing is read QUIET_TIMES less often.
    everyMs: () => (lists * (data && isMoving(data) ? BUSY_MS : IDLE_MS)) / QUIET_TIMES,
    moves: () => data !== undefined && isMoving(data),
    isFinal: () => false,
  });
  return failures;
}
