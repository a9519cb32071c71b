/** Queries that keep themselves fresh with the turns of the tab's one pace. */

import {
  keepPreviousData,
  type QueryKey,
  type UseQueryResult,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useTurns } from "./pace";

export interface LiveOptions<T> {
  readonly key: QueryKey;
  readonly read: (signal: AbortSignal) => Promise<T>;
  /** Tells whether what was read may change soon. Without it the query is polled as if it never moved. */
  readonly moves?: (data: T) => boolean;
  /** Tells whether what was read can never change again, so that nobody asks again. */
  readonly isFinal?: (data: T) => boolean;
  readonly enabled?: boolean;
  /** What another query has read already, and when, so that it is not asked for twice. */
  readonly known?: { readonly data: T; readonly atMs: number } | undefined;
}

/**
 * Reads something that says whether anything has changed on the screen, and reads it again while it may change. What was
 * shown stays until the next answer is there.
 */
export function useLive<T>({ key, read, moves, isFinal, enabled = true, known }: LiveOptions<T>) {
  useTurns(
    key,
    enabled
      ? {
          leads: true,
          everyMs: () => 0,
          moves: (data) => moves?.(data as T) ?? false,
          isFinal: (data) => isFinal?.(data as T) ?? false,
        }
      : null,
  );
  return useKept(key, read, enabled, { known });
}

/**
 * Keeps a query whose later reads are turns: what was shown stays until the next answer is there. With `freshMs` an
 * answer is kept for so many milliseconds, in which no screen that opens asks again.
 */
export function useKept<T>(
  key: QueryKey,
  read: (signal: AbortSignal) => Promise<T>,
  enabled: boolean,
  { known, freshMs }: { readonly known?: LiveOptions<T>["known"]; readonly freshMs?: number } = {},
): UseQueryResult<T> {
  const queries = useQueryClient();
  const inherited = queries.getDefaultOptions().queries?.retry;
  return useQuery<T>({
    queryKey: key,
    queryFn: ({ signal }) => read(signal),
    enabled,
    placeholderData: keepPreviousData as never,
    ...(freshMs === undefined ? {} : { staleTime: freshMs, gcTime: freshMs }),
    ...(known === undefined ? {} : { initialData: known.data as never, initialDataUpdatedAt: known.atMs }),
    // Somebody waits for a first answer. A later one has its next turn, which comes later after each failure.
    retry: (count, error) =>
      queries.getQueryData(key) === undefined &&
      typeof inherited === "function" &&
      inherited(count, error as Error),
  });
}
