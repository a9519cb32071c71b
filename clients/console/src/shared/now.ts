/** One clock for the whole page, which stands while the tab is hidden. */

import { useSyncExternalStore } from "react";

const STEP_MS = 5_000;
let nowMs = Date.now();
let timer: ReturnType<typeof setInterval> | null = null;
const listeners = new Set<() => void>();

function step(): void {
  if (document.hidden) return;
  nowMs = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === null) {
    // Nobody looked at the clock for a while, so it may be as old as the last screen that did.
    nowMs = Date.now();
    timer = setInterval(step, STEP_MS);
    document.addEventListener("visibilitychange", step);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
      document.removeEventListener("visibilitychange", step);
    }
  };
}

/** Returns the present time in milliseconds, renewed every five seconds. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => nowMs);
}
