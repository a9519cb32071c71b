/** Finds jobs in a graph: those around a job, and the failure with which all others may have begun. */

import { at, type Dag, type Links, linksOf } from "./dag";
import type { Graph } from "./graph";
import { stateOf } from "./progress";

/** The most jobs that a picture shows one by one. */
export const MOST_BOXES = 300;

export interface Neighbourhood {
  /** The job itself first, then the nearest ones. */
  readonly jobs: readonly number[];
  /** True where a job was left out because there would be too many. */
  readonly cut: boolean;
}

/** Returns the jobs at most `up` edges before and `down` edges behind a job, at most `most` in all, nearest first. */
export function neighbourhood(
  dag: Dag,
  job: number,
  up: number,
  down: number,
  most: number = MOST_BOXES,
): Neighbourhood {
  const found = new Set([job]);
  let cut = false;
  const step = (links: Links, from: readonly number[]): number[] => {
    const next: number[] = [];
    for (const node of from) {
      for (const neighbour of linksOf(links, node)) {
        if (found.has(neighbour)) continue;
        if (found.size >= most) {
          cut = true;
          return next;
        }
        found.add(neighbour);
        next.push(neighbour);
      }
    }
    return next;
  };
  let before = [job];
  let behind = [job];
  for (let hop = 0; hop < Math.max(up, down); hop++) {
    before = hop < up ? step(dag.parents, before) : [];
    behind = hop < down ? step(dag.children, behind) : [];
  }
  return { jobs: [...found], cut };
}

/** Returns the job that failed or ran out of time and has the fewest levels before it; null where none did. */
export function firstFailure(graph: Graph, letters: string): number | null {
  let first: number | null = null;
  for (let job = 0; job < graph.count; job++) {
    const state = stateOf(letters, job);
    if (state !== "FAILED" && state !== "TIMED_OUT") continue;
    if (first === null || at(graph.levels, job) < at(graph.levels, first)) first = job;
  }
  return first;
}
