/** Queries at a pace of their own, for screens that need several answers and may make only so many calls a minute. */

import { keepPreviousData, type QueryKey, type UseQueryResult, useQuery } from "@tanstack/react-query";
import { nextPollMs } from "../domain/polling";

/** Reads something, and reads it again as often as `everyMs` says, less often after errors and never while the tab is hidden. */
export function usePaced<T>({
  key,
  read,
  everyMs,
  enabled = true,
}: {
  readonly key: QueryKey;
  readonly read: (signal: AbortSignal) => Promise<T>;
  /** Returns the milliseconds until the next request, from what was read last. */
  readonly everyMs: (data: T | undefined) => number;
  readonly enabled?: boolean;
}): UseQueryResult<T> {
  return useQuery({
    queryKey: key,
    queryFn: ({ signal }) => read(signal),
    enabled,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => {
      const wait = everyMs(state.data as T | undefined);
      return state.status === "error" ? Math.max(wait, nextPollMs(true, state.fetchFailureCount)) : wait;
    },
  });
}
