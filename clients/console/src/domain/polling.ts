/** How often a screen asks again: often while something moves, seldom otherwise, less and less after errors. */

export const BUSY_MS = 5_000;
export const IDLE_MS = 30_000;
export const MOST_MS = 120_000;

/** Returns the milliseconds until the next request. `failures` counts the requests that failed in a row. */
export function nextPollMs(moves: boolean, failures: number): number {
  if (failures > 0) return Math.min(BUSY_MS * 2 ** failures, MOST_MS);
  return moves ? BUSY_MS : IDLE_MS;
}
