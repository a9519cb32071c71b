/** Queries that keep themselves fresh: polling that adapts, and stops while the tab is hidden. */

import { keepPreviousData, type QueryKey, type UseQueryResult, useQuery } from "@tanstack/react-query";
import { nextPollMs } from "../domain/polling";

export interface LiveOptions<T> {
  readonly key: QueryKey;
  readonly read: (signal: AbortSignal) => Promise<T>;
  /** Tells whether what was read may change soon. Without it the query is polled as if it never moved. */
  readonly moves?: (data: T) => boolean;
  /** Tells whether what was read can never change again, so that nobody asks again. */
  readonly isFinal?: (data: T) => boolean;
  readonly enabled?: boolean;
}

/** Reads something and reads it again while it may change. What was shown stays until the next answer is there. */
export function useLive<T>({ key, read, moves, isFinal, enabled = true }: LiveOptions<T>): UseQueryResult<T> {
  return useQuery({
    queryKey: key,
    queryFn: ({ signal }) => read(signal),
    enabled,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => {
      if (state.data === undefined)
        return state.fetchFailureCount > 0 ? nextPollMs(true, state.fetchFailureCount) : false;
      if (isFinal?.(state.data as T)) return false;
      return nextPollMs(
        moves?.(state.data as T) ?? false,
        state.errorUpdateCount > 0 && state.status === "error" ? state.fetchFailureCount : 0,
      );
    },
  });
}
