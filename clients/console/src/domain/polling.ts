/**
 * When a tab reads again. All that its screens show shares one budget: a tab takes one turn every five seconds while
 * something moves, one every thirty seconds otherwise, and one turn is one call. So it can't make more than twelve
 * calls a minute, or two, however much a screen shows.
 */

export const BUSY_MS = 5_000;
export const IDLE_MS = 30_000;
export const MOST_MS = 120_000;

/** How much less often a reading that follows is read while what leads stays the same. */
export const QUIET_TIMES = 4;

/** Timers fire a little early or late. A turn that is missed by that much would be lost. */
const SLACK_MS = 500;

/** Something that a screen shows and that is read again. */
export interface Reading {
  /** Tells whether it says that something has changed. What follows is read when what leads has changed, or seldom. */
  readonly leads: boolean;
  /** How often a reading that follows is wanted, at most, while what leads changes. */
  readonly everyMs: number;
  /** True where a reading that follows is wanted every `everyMs`, whether what leads changes or not. */
  readonly isSteady?: boolean;
  readonly moves: boolean;
  readonly readAtMs: number;
  /** When an answer was another one than the answer before. */
  readonly changedAtMs: number;
  /** The reads that failed in a row. */
  readonly failures: number;
}

/** Returns the milliseconds until something is asked for again: less and less often after errors, and never not. */
export function nextPollMs(moves: boolean, failures: number): number {
  if (failures > 0) return Math.min(BUSY_MS * 2 ** failures, MOST_MS);
  return moves ? BUSY_MS : IDLE_MS;
}

/** Returns the milliseconds from one turn to the next. */
export function turnMs(readings: readonly Reading[]): number {
  return readings.some((reading) => reading.moves) ? BUSY_MS : IDLE_MS;
}

/**
 * Returns the place of the reading that has the turn; null where none is due. What leads has every second turn at
 * least, and all turns that nothing else is due for, so that a change is seen with the very next turn.
 */
export function nextReading(readings: readonly Reading[], ledLast: boolean, nowMs: number): number | null {
  const ageOf = (reading: Reading) => nowMs - reading.readAtMs + SLACK_MS;
  const changedAtMs = Math.max(0, ...readings.map((reading) => (reading.leads ? reading.changedAtMs : 0)));
  const latenessOf = (reading: Reading) => {
    const times = reading.isSteady === true || changedAtMs > reading.readAtMs ? 1 : QUIET_TIMES;
    return ageOf(reading) / (reading.everyMs * times);
  };
  let lead: number | null = null;
  let follower: number | null = null;
  let most = 1;
  for (const [place, reading] of readings.entries()) {
    if (reading.failures > 0 && ageOf(reading) < nextPollMs(true, reading.failures)) continue;
    if (reading.leads) {
      const other = lead === null ? undefined : readings[lead];
      if (other === undefined || reading.readAtMs < other.readAtMs) lead = place;
    } else if (latenessOf(reading) >= most) {
      most = latenessOf(reading);
      follower = place;
    }
  }
  return follower !== null && (ledLast || lead === null) ? follower : lead;
}
