/** What each view of a workflow gets, and what an address selects in it. */

import { type Graph, jobId } from "../../domain/graph/graph";
import type { Grouping } from "../../domain/graph/groups";
import type { Progress } from "../../domain/graph/progress";
import { MOST_BOXES } from "../../domain/graph/search";
import type { Address } from "../../shared/useAddress";

export const VIEWS = ["groups", "map", "graph", "timeline", "jobs", "critical"] as const;

export type ViewName = (typeof VIEWS)[number];

export interface ViewProps {
  readonly graph: Graph;
  readonly grouping: Grouping;
  readonly progress: Progress;
  readonly address: Address;
  /** The job whose panel is open. It stays the same in all views. */
  readonly job: number | null;
  readonly select: (job: number) => void;
}

/** A picture of so few jobs is read at a glance, so that groups would hide more than they tell. */
const FEW = 30;

/** Returns the view to begin with: groups, unless the jobs are few or hardly any two of them are alike. */
export function firstView(jobs: number, groups: number): ViewName {
  return jobs <= FEW || (jobs <= MOST_BOXES && groups > jobs / 2) ? "graph" : "groups";
}

/** Returns the job that a part of the address names, by its index or by its whole id. */
export function jobIn(graph: Graph, text: string | undefined): number | null {
  if (text === undefined) return null;
  const prefix = jobId(graph, 0).slice(0, -1);
  const index = Number(text.startsWith(prefix) ? text.slice(prefix.length) : text);
  return text !== "" && Number.isInteger(index) && index >= 0 && index < graph.count ? index : null;
}

/** Returns a whole number of the address within bounds. */
export function numberIn(text: string | undefined, usual: number, most: number): number {
  const number = Number(text ?? usual);
  return Number.isInteger(number) && number >= 0 ? Math.min(number, most) : usual;
}
