/** Jobs of a large workflow in few groups, so that a picture of 10,000 jobs can be read. */

import { JOB_STATES, type JobState } from "../states";
import { at, type Dag, linksOf, makeDag, orderOf } from "./dag";
import { type Graph, typeName } from "./graph";
import { stateOf } from "./progress";

/** The most groups of one picture. */
export const MOST_GROUPS = 150;

export interface Group {
  /** The same for the same graph, so that it can stand in an address. */
  readonly id: string;
  readonly label: string;
  readonly fromLevel: number;
  readonly toLevel: number;
  readonly jobs: readonly number[];
  /** The types of the jobs with how many there are of each, most first. */
  readonly types: readonly (readonly [string, number])[];
}

export interface GroupEdge {
  readonly from: number;
  readonly to: number;
  /** How many dependencies between jobs of the two groups there are. */
  readonly count: number;
}

export interface Grouping {
  readonly by: "type and level" | "type" | "level";
  readonly groups: readonly Group[];
  readonly groupOf: Int32Array;
  readonly edges: readonly GroupEdge[];
  /** The groups as a graph. */
  readonly dag: Dag;
}

function levelText(from: number, to: number): string {
  return from === to ? `level ${from + 1}` : `levels ${from + 1} to ${to + 1}`;
}

function groupOf(graph: Graph, id: string, jobs: readonly number[], byLevel: boolean): Group {
  let [fromLevel, toLevel] = [graph.depth, 0];
  const counts = new Map<string, number>();
  for (const job of jobs) {
    const level = at(graph.levels, job);
    fromLevel = Math.min(fromLevel, level);
    toLevel = Math.max(toLevel, level);
    const type = typeName(graph, job);
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  const types = [...counts].sort(([, one], [, other]) => other - one);
  const levels = levelText(fromLevel, toLevel);
  return {
    id,
    label: byLevel ? levels : `${types[0]?.[0] ?? ""}, ${levels}`,
    fromLevel,
    toLevel,
    jobs,
    types,
  };
}

function edgesBetween(graph: Graph, groups: number, group: Int32Array): readonly GroupEdge[] {
  const counts = new Map<number, number>();
  for (let job = 0; job < graph.count; job++) {
    const from = at(group, job);
    for (const child of linksOf(graph.children, job)) {
      const to = at(group, child);
      if (from === to) continue;
      const name = from * groups + to;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return [...counts].map(([name, count]) => ({ from: Math.floor(name / groups), to: name % groups, count }));
}

function groupedBy(
  graph: Graph,
  by: Grouping["by"],
  nameOf: (job: number) => string,
  most: number,
): Grouping | null {
  const members = new Map<string, number[]>();
  for (let job = 0; job < graph.count; job++) {
    const name = nameOf(job);
    const jobs = members.get(name);
    if (jobs !== undefined) jobs.push(job);
    else if (members.size === most) return null;
    else members.set(name, [job]);
  }
  const groups = [...members].map(([id, jobs]) => groupOf(graph, id, jobs, by === "level"));
  groups.sort((one, other) => one.fromLevel - other.fromLevel);
  const group = new Int32Array(graph.count);
  groups.forEach((each, place) => {
    for (const job of each.jobs) group[job] = place;
  });
  const edges = edgesBetween(graph, groups.length, group);
  const dag = makeDag(
    groups.length,
    edges.map((edge) => edge.from),
    edges.map((edge) => edge.to),
  );
  return orderOf(dag) === null ? null : { by, groups, groupOf: group, edges, dag };
}

/**
 * Groups the jobs by type and level. Where these are too many groups, it groups by type, as long as no type waits for
 * one that waits for it, and else by ranges of levels, which always works.
 */
export function groupJobs(graph: Graph, most: number = MOST_GROUPS): Grouping {
  const level = (job: number) => at(graph.levels, job);
  const type = (job: number) => at(graph.typeOf, job);
  const levelsEach = Math.max(1, Math.ceil(graph.depth / most));
  const found =
    groupedBy(graph, "type and level", (job) => `${type(job)}-${level(job)}`, most) ??
    groupedBy(graph, "type", (job) => `${type(job)}`, most) ??
    groupedBy(graph, "level", (job) => `l${Math.floor(level(job) / levelsEach)}`, most);
  if (found === null) throw new Error("levels never form a circle");
  return found;
}

export type Counts = Readonly<Partial<Record<JobState, number>>>;

/** Returns how many jobs of each group are in each state. */
export function countsOf(grouping: Grouping, letters: string): readonly Counts[] {
  const counts: Partial<Record<JobState, number>>[] = grouping.groups.map(() => ({}));
  grouping.groupOf.forEach((group, job) => {
    const state = stateOf(letters, job);
    const own = counts[group];
    if (own !== undefined) own[state] = (own[state] ?? 0) + 1;
  });
  return counts;
}

/** Returns for each group its types with their counts of states, the types in the order of the graph. */
export function stacksOf(
  graph: Graph,
  grouping: Grouping,
  letters: string,
): readonly (readonly (readonly [string, Counts])[])[] {
  return grouping.groups.map((group) => {
    const counts = new Map<number, Partial<Record<JobState, number>>>();
    for (const job of group.jobs) {
      const type = at(graph.typeOf, job);
      const own = counts.get(type) ?? {};
      const state = stateOf(letters, job);
      own[state] = (own[state] ?? 0) + 1;
      counts.set(type, own);
    }
    return [...counts]
      .sort(([one], [other]) => one - other)
      .map(([type, own]) => [graph.types[type] ?? "", own] as const);
  });
}

/** Returns how many jobs failed or ran out of time. */
export function failuresOf(counts: Counts): number {
  return (counts.FAILED ?? 0) + (counts.TIMED_OUT ?? 0);
}

/** Returns the counts as words, such as `3 RUNNING, 2 FAILED`. */
export function countsText(counts: Counts): string {
  return JOB_STATES.filter((state) => (counts[state] ?? 0) > 0)
    .map((state) => `${(counts[state] ?? 0).toLocaleString("en")} ${state}`)
    .join(", ");
}
