/** The numbers of pools as a person reads them: gauges, bounded counts and totals over pools. */

/** A count that stops at a bound; `more` says that there are more. */
export interface BoundedCount {
  readonly count: number;
  readonly more: boolean;
}

export interface PoolLoad {
  readonly capacity: number;
  readonly active: BoundedCount;
  readonly ready: BoundedCount;
  readonly held: BoundedCount;
}

/** Returns the count as text, such as `1,000+` where there are more than were counted. */
export function countText({ count, more }: BoundedCount): string {
  return `${count.toLocaleString("en")}${more ? "+" : ""}`;
}

/** Returns the sum of counts, which has more as soon as one of them has more. */
export function total(counts: readonly BoundedCount[]): BoundedCount {
  return {
    count: counts.reduce((sum, each) => sum + each.count, 0),
    more: counts.some((each) => each.more),
  };
}

export interface Gauge {
  /** The filled part, from 0 to 1. Jobs are dispatched ahead, so that more can be active than fit. */
  readonly filled: number;
  readonly text: string;
}

/** Returns how full a pool is: its active jobs beside its capacity. */
export function gaugeOf({ active, capacity }: Pick<PoolLoad, "active" | "capacity">): Gauge {
  if (capacity <= 0) {
    return {
      filled: active.count > 0 ? 1 : 0,
      text: `${countText(active)} active, no capacity`,
    };
  }
  return {
    filled: Math.min(1, active.count / capacity),
    text: `${countText(active)} active of ${capacity.toLocaleString("en")}`,
  };
}

/** Returns whether the load of a pool may change soon. */
export function isBusy(pools: readonly PoolLoad[]): boolean {
  return pools.some((pool) => pool.active.count > 0 || (pool.ready.count > 0 && pool.capacity > 0));
}

/** Returns whether a worker may be in another state soon: by the jobs that it runs, or because it leaves or is silent. */
export function isUnsettled(worker: {
  readonly state: string;
  readonly live: boolean;
  readonly running: number;
  readonly drain_requested_at: string | null;
}): boolean {
  const { state, live, running, drain_requested_at: asked } = worker;
  if (state === "DRAINING") return true;
  return state === "ACTIVE" && (running > 0 || !live || asked !== null);
}

/** Returns how many slots of a worker are taken and how many are free; the dots stop at `most` of them. */
export function slotsOf(
  worker: { readonly slots: number; readonly running: number },
  most: number,
): { readonly taken: number; readonly free: number; readonly notDrawn: number } {
  const all = Math.max(worker.slots, worker.running);
  const drawn = Math.min(all, most);
  const taken = Math.min(worker.running, drawn);
  return { taken, free: drawn - taken, notDrawn: all - drawn };
}
