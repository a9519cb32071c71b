/** What the failures screen reads: the newest failed jobs since a time, some pages of them in one go. */

import type { UseQueryResult } from "@tanstack/react-query";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useKept } from "../../api/live";
import { useTurns } from "../../api/pace";
import type { components } from "../../api/schema";
import { sinceMs } from "../../domain/jobFilters";
import { BUSY_MS, IDLE_MS, QUIET_TIMES } from "../../domain/polling";

type JobRow = components["schemas"]["JobRowOut"];

/** The most jobs that one answer of the API holds. */
const ROWS_OF_PAGE = 200;
/** So many pages are read at first, and more of them when someone looks further back. */
export const PAGES_AT_ONCE = 5;
export const MOST_PAGES = 25;
/** Where something failed so lately, more may fail. */
const LATELY_MS = 300_000;

export interface Failures {
  /** What was asked for; while other failures are read, these are still shown. */
  readonly since: string;
  readonly most: number;
  readonly jobs: readonly JobRow[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly pages: number;
  /** False where there are earlier failures that nobody has looked at. */
  readonly isWhole: boolean;
}

const isMoving = ({ jobs, toMs }: Failures) => toMs - Date.parse(jobs[0]?.finished_at ?? "") < LATELY_MS;

/**
 * Reads the failures since a time such as `24h`, at most `most` pages of them. One page is one call, so it takes every
 * turn of the tab. More pages are more calls in one turn, so they are read so much less often.
 */
export function useFailures(since: string, most: number): UseQueryResult<Failures> {
  const api = useApi();
  const key = ["jobs", "failures", since, most];
  const failures = useKept(
    key,
    async (signal): Promise<Failures> => {
      const toMs = Date.now();
      const fromMs = toMs - (sinceMs(since) ?? 0);
      const query = {
        state: ["FAILED" as const, "TIMED_OUT" as const],
        order: "time" as const,
        from: new Date(fromMs).toISOString(),
        limit: ROWS_OF_PAGE,
      };
      const jobs: JobRow[] = [];
      let cursor: string | null = null;
      let pages = 0;
      do {
        const asked: typeof query & { cursor?: string } = cursor === null ? query : { ...query, cursor };
        const page: components["schemas"]["JobsOut"] = await answerOf(
          api.GET("/v1/jobs", { params: { query: asked }, signal }),
        );
        jobs.push(...page.jobs);
        cursor = page.cursor;
        pages += 1;
      } while (cursor !== null && pages < most);
      return { since, most, jobs, fromMs, toMs, pages, isWhole: cursor === null };
    },
    true,
  );
  const { data } = failures;
  useTurns(key, {
    leads: data === undefined || data.pages === 1,
    // Nothing leads where these are several pages, and what follows nothing is read QUIET_TIMES less often.
    everyMs: () => ((data?.pages ?? 1) * (data && isMoving(data) ? BUSY_MS : IDLE_MS)) / QUIET_TIMES,
    moves: () => data !== undefined && isMoving(data),
    isFinal: () => false,
  });
  return failures;
}
