/** The jobs of a workflow as a list: those that someone looks for, in the order that they want. */

import { JOB_STATES, type JobState } from "../states";
import { at } from "./dag";
import { type Graph, typeName } from "./graph";
import { stateOf } from "./progress";

export const JOB_SORTS = ["submission", "state", "level", "key", "estimate"] as const;

export type JobSort = (typeof JOB_SORTS)[number];

export interface Wanted {
  /** A part of the key or the type, in whatever case. */
  readonly text: string;
  /** No states are all of them. */
  readonly states: readonly JobState[];
  readonly sort: JobSort;
}

const PLACE_OF_STATE: ReadonlyMap<JobState, number> = new Map(
  JOB_STATES.map((state, place) => [state, place]),
);

function sortNumber(graph: Graph, letters: string, sort: JobSort): (job: number) => number {
  if (sort === "state") return (job) => PLACE_OF_STATE.get(stateOf(letters, job)) ?? 0;
  if (sort === "level") return (job) => at(graph.levels, job);
  return (job) => -(graph.estimates[job] ?? -1);
}

/** Returns the indexes of the jobs that are wanted. Those that sort alike stay in the order of their submission. */
export function jobsWhere(graph: Graph, letters: string, wanted: Wanted): readonly number[] {
  const text = wanted.text.trim().toLowerCase();
  const states = new Set(wanted.states);
  const jobs: number[] = [];
  for (let job = 0; job < graph.count; job++) {
    if (states.size > 0 && !states.has(stateOf(letters, job))) continue;
    if (
      text !== "" &&
      !(graph.keys[job] ?? "").toLowerCase().includes(text) &&
      !typeName(graph, job).toLowerCase().includes(text)
    )
      continue;
    jobs.push(job);
  }
  if (wanted.sort === "submission") return jobs;
  if (wanted.sort === "key") {
    const compare = new Intl.Collator("en", { numeric: true }).compare;
    return jobs.sort((one, other) => compare(graph.keys[one] ?? "", graph.keys[other] ?? ""));
  }
  const number = sortNumber(graph, letters, wanted.sort);
  return jobs.sort((one, other) => number(one) - number(other));
}

/** Returns the types of the jobs that are in one of some states, with how many there are of each, most first. */
export function typesIn(
  graph: Graph,
  letters: string,
  states: ReadonlySet<string>,
): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (let job = 0; job < graph.count; job++) {
    if (!states.has(stateOf(letters, job))) continue;
    const type = typeName(graph, job);
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return [...counts].sort(([, one], [, other]) => other - one);
}
