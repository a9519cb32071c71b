/** Queries that follow what leads on their screen, for screens that need several answers. */

import type { QueryKey, UseQueryResult } from "@tanstack/react-query";
import { useKept } from "../api/live";
import { type Turns, useTurns } from "../api/pace";

interface Asked<T, EveryMs> {
  readonly key: QueryKey;
  readonly read: (signal: AbortSignal) => Promise<T>;
  readonly everyMs: EveryMs;
  readonly enabled?: boolean;
}

/**
 * Reads something that is read again after what leads on the screen has changed, at most every `everyMs`, and seldom
 * otherwise. What leads is read by useLive; all of a tab shares the turns of one pace.
 */
export function usePaced<T>({
  key,
  read,
  everyMs,
  enabled = true,
}: Asked<T, (data: T | undefined) => number>): UseQueryResult<T> {
  useFollowing(key, enabled, { everyMs: (data) => everyMs(data as T | undefined) });
  return useKept(key, read, enabled);
}

/**
 * Reads something that changes at times of its own: every `everyMs` milliseconds, whatever leads on the screen, and no
 * sooner where somebody leaves a screen and comes back.
 */
export function useSteady<T>({ key, read, everyMs, enabled = true }: Asked<T, number>): UseQueryResult<T> {
  useFollowing(key, enabled, { everyMs: () => everyMs, isSteady: true });
  return useKept(key, read, enabled, { freshMs: everyMs });
}

function useFollowing(key: QueryKey, enabled: boolean, turns: Pick<Turns, "everyMs" | "isSteady">): void {
  useTurns(key, enabled ? { leads: false, moves: () => false, isFinal: () => false, ...turns } : null);
}
