/** Queries that follow what leads on their screen, for screens that need several answers. */

import type { QueryKey, UseQueryResult } from "@tanstack/react-query";
import { useKept } from "../api/live";
import { useTurns } from "../api/pace";

/**
 * Reads something that is read again after what leads on the screen has changed, at most every `everyMs`, and seldom
 * otherwise. What leads is read by useLive; all of a tab shares the turns of one pace.
 */
export function usePaced<T>({
  key,
  read,
  everyMs,
  enabled = true,
}: {
  readonly key: QueryKey;
  readonly read: (signal: AbortSignal) => Promise<T>;
  readonly everyMs: (data: T | undefined) => number;
  readonly enabled?: boolean;
}): UseQueryResult<T> {
  useTurns(
    key,
    enabled
      ? {
          leads: false,
          everyMs: (data) => everyMs(data as T | undefined),
          moves: () => false,
          isFinal: () => false,
        }
      : null,
  );
  return useKept(key, read, enabled);
}

/**
 * Reads something that changes at times of its own: every `everyMs` milliseconds, whatever leads on the screen, and no
 * sooner where somebody leaves a screen and comes back.
 */
export function useSteady<T>({
  key,
  read,
  everyMs,
  enabled = true,
}: {
  readonly key: QueryKey;
  readonly read: (signal: AbortSignal) => Promise<T>;
  readonly everyMs: number;
  readonly enabled?: boolean;
}): UseQueryResult<T> {
  useTurns(
    key,
    enabled
      ? { leads: false, isSteady: true, everyMs: () => everyMs, moves: () => false, isFinal: () => false }
      : null,
  );
  return useKept(key, read, enabled, { freshMs: everyMs });
}
