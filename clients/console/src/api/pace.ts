/** The pace of a tab: one call a turn, whatever its screens show, and none while the tab is hidden or cut off. */

import {
  focusManager,
  hashKey,
  onlineManager,
  type QueryClient,
  type QueryKey,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { nextReading, type Reading, turnMs } from "../domain/polling";

/** Something that takes turns. */
export interface Pacer {
  /** Returns how it stands; null while it needs no turn. */
  readonly reading: () => Reading | null;
  readonly read: () => Promise<unknown>;
  /** The query that needs no turns of its own as long as this one has them, for this one says when to read it. */
  readonly insteadOf?: QueryKey;
  readonly key?: QueryKey;
}

/** What is known of a query beside its own state. */
interface Known {
  data: unknown;
  changedAtMs: number;
  failures: number;
}

const ofClients = new WeakMap<QueryClient, Pace>();

/** Gives turns to all that a tab shows. */
export class Pace {
  readonly #queries: QueryClient;
  readonly #pacers = new Set<Pacer>();
  readonly #known = new Map<string, Known>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turnAtMs = Date.now();
  #isPostponed = false;
  #ledLast = false;
  #isOwn = false;

  constructor(queries: QueryClient) {
    this.#queries = queries;
    queries.getQueryCache().subscribe((event) => {
      if (event.type === "removed") this.#known.delete(event.query.queryHash);
      if (event.type !== "updated") return;
      if (event.action.type === "fetch") this.#onCall();
      else if (event.action.type === "success") this.#onAnswer(event.query.queryHash, event.query.state.data);
      else if (event.action.type === "error") this.#onError(event.query.queryHash);
    });
    focusManager.subscribe(() => this.#schedule());
    onlineManager.subscribe(() => this.#schedule());
  }

  /** Returns the pace of the tab whose answers `queries` keeps. */
  static of(queries: QueryClient): Pace {
    let pace = ofClients.get(queries);
    if (pace === undefined) {
      pace = new Pace(queries);
      ofClients.set(queries, pace);
    }
    return pace;
  }

  /** Gives turns to `pacer` until the function that is returned is called. */
  add(pacer: Pacer): () => void {
    this.#pacers.add(pacer);
    this.#schedule();
    return () => {
      this.#pacers.delete(pacer);
      this.#schedule();
    };
  }

  /** Returns what is known of the query `key` as a reading, without what its screen says of it. */
  standing(key: QueryKey): Pick<Reading, "readAtMs" | "changedAtMs" | "failures"> & { data: unknown } {
    const state = this.#queries.getQueryState(key);
    const known = this.#known.get(hashKey(key));
    return {
      data: state?.data,
      readAtMs: Math.max(state?.dataUpdatedAt ?? 0, state?.errorUpdatedAt ?? 0),
      changedAtMs: known?.changedAtMs ?? 0,
      failures: known?.failures ?? (state?.status === "error" ? 1 : 0),
    };
  }

  /** A call that is not the pace's own, such as that of a panel that opens, takes the place of the next turn, once. */
  #onCall(): void {
    if (this.#isOwn || this.#isPostponed) return;
    this.#isPostponed = true;
    this.#turnAtMs = Date.now();
    this.#schedule();
  }

  #onAnswer(hash: string, data: unknown): void {
    const known = this.#known.get(hash);
    if (known === undefined) this.#known.set(hash, { data, changedAtMs: Date.now(), failures: 0 });
    else {
      // An equal answer is kept as the object that was there before.
      if (known.data !== data) known.changedAtMs = Date.now();
      known.data = data;
      known.failures = 0;
    }
    this.#schedule();
  }

  #onError(hash: string): void {
    const known = this.#known.get(hash);
    if (known === undefined) this.#known.set(hash, { data: undefined, changedAtMs: 0, failures: 1 });
    else known.failures += 1;
    this.#schedule();
  }

  /** Returns all that needs turns, with how it stands. */
  #waiting(): readonly (readonly [Pacer, Reading])[] {
    const replaced = new Set<string>();
    const found: [Pacer, Reading][] = [];
    for (const pacer of this.#pacers) {
      const reading = pacer.reading();
      if (reading === null) continue;
      found.push([pacer, reading]);
      if (pacer.insteadOf !== undefined) replaced.add(hashKey(pacer.insteadOf));
    }
    return found.filter(([{ key }]) => key === undefined || !replaced.has(hashKey(key)));
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#pacers.size === 0 || !focusManager.isFocused() || !onlineManager.isOnline()) return;
    const readings = this.#waiting().map(([, reading]) => reading);
    if (readings.length === 0) return;
    const atMs = this.#turnAtMs + turnMs(readings);
    this.#timer = setTimeout(() => this.#turn(), Math.max(0, atMs - Date.now()));
  }

  #turn(): void {
    if (!focusManager.isFocused() || !onlineManager.isOnline()) return;
    const waiting = this.#waiting();
    this.#turnAtMs = Date.now();
    this.#isPostponed = false;
    const place = nextReading(
      waiting.map(([, reading]) => reading),
      this.#ledLast,
      this.#turnAtMs,
    );
    const chosen = place === null ? undefined : waiting[place];
    if (chosen !== undefined) {
      const [pacer, reading] = chosen;
      this.#ledLast = reading.leads;
      this.#isOwn = true;
      // The query itself keeps its error, and the screen shows it.
      pacer.read().catch(() => undefined);
      this.#isOwn = false;
    }
    this.#schedule();
  }
}

/** Tells how a query takes turns. */
export interface Turns {
  readonly leads: boolean;
  readonly everyMs: (data: unknown) => number;
  readonly isSteady?: boolean;
  readonly moves: (data: unknown) => boolean;
  readonly isFinal: (data: unknown) => boolean;
}

/** Gives the query `key` turns while the component is shown; `turns` is null while it needs none. */
export function useTurns(key: QueryKey, turns: Turns | null): void {
  const queries = useQueryClient();
  const latest = useRef(turns);
  latest.current = turns;
  const hash = hashKey(key);
  const isPaced = turns !== null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: equal keys are the same query
  useEffect(() => {
    if (!isPaced) return;
    const pace = Pace.of(queries);
    return pace.add({
      key,
      reading: () => {
        const { data, ...standing } = pace.standing(key);
        const now = latest.current;
        if (now === null || (data !== undefined && now.isFinal(data))) return null;
        return {
          ...standing,
          leads: now.leads,
          everyMs: now.everyMs(data),
          isSteady: now.isSteady === true,
          // Before the first answer nobody knows, and somebody waits for it.
          moves: now.leads && (data === undefined || now.moves(data)),
        };
      },
      read: async () => queries.getQueryCache().find({ queryKey: key, exact: true })?.fetch(),
    });
  }, [queries, hash, isPaced]);
}
