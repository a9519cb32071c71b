/** Reads of the statistics of ended jobs. */

import type { UseQueryResult } from "@tanstack/react-query";
import { answerOf } from "../api/client";
import { useApi } from "../api/context";
import type { components } from "../api/schema";
import { sinceMs } from "../domain/jobFilters";
import type { Asked } from "../domain/statistics";
import { STEPS_MS } from "../domain/steps";
import { useSteady } from "./paced";

export type Statistics = components["schemas"]["StatisticsOut"];

/** The reaper counts once in ten minutes, so a sooner read would find the same. */
const EVERY_MS = 600_000;

/**
 * Reads the statistics that an address asks for, with a row for each `by`. They begin with a whole step, as the API's
 * hours and days do, and end at `until`, so that all that the screen shows adds up. Without `until` they end now. With
 * `inSteps` each row also tells its ends in each step.
 */
export function useStatistics(
  { range, step, pool, type }: Pick<Asked, "range" | "step" | "pool" | "type">,
  by: components["schemas"]["By"],
  {
    until = null,
    enabled = true,
    inSteps = false,
  }: { readonly until?: string | null; readonly enabled?: boolean; readonly inSteps?: boolean } = {},
): UseQueryResult<Statistics> {
  const api = useApi();
  return useSteady({
    key: ["stats", range, step, by, pool, type, until, inSteps],
    read: (signal) => {
      const fromMs = Date.now() - (sinceMs(range) ?? 0);
      return answerOf(
        api.GET("/v1/stats", {
          params: {
            query: {
              by,
              from: new Date(fromMs - (fromMs % STEPS_MS[step])).toISOString(),
              ...(inSteps ? { step } : {}),
              ...(until === null ? {} : { to: until }),
              ...(pool === "" ? {} : { pool }),
              ...(type === "" ? {} : { type }),
            },
          },
          signal,
        }),
      );
    },
    everyMs: EVERY_MS,
    enabled,
  });
}
