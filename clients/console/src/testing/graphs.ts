/** Workflows for tests, drawn at random from a seed or made to a shape. */

import type { CompactGraph } from "../domain/graph/graph";

/** Returns numbers from 0 to below 1 that are the same for the same seed. */
export function drawsOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns the answer of the API for jobs that wait for the jobs of `parentsOf`; `typeOf` names their types. */
export function compactGraph(
  parents: readonly (readonly number[])[],
  typeOf: (job: number) => string = () => "tidegate.noop",
  estimateOf: (job: number) => number | null = () => null,
): CompactGraph {
  const types: string[] = [];
  const places = parents.map((_, job) => {
    const type = typeOf(job);
    if (!types.includes(type)) types.push(type);
    return types.indexOf(type);
  });
  return {
    workflow_id: "00000000000000000000000008",
    job_count: parents.length,
    keys: parents.map((_, job) => `job-${job}`),
    types,
    type_of: places,
    estimates: parents.map((_, job) => estimateOf(job)),
    parents: parents.map((own, job) => own.map((parent) => job - parent)),
    edge_types: [],
    outside: [],
    critical_path: [],
    critical_path_seconds: null,
  };
}

/** Returns a random workflow, in which a job may also wait for one that was submitted behind it. */
export function drawnGraph(seed: number, count: number, edgesEach = 1.7, types = 4): CompactGraph {
  const draw = drawsOf(seed);
  const names = Array.from({ length: count }, (_, job) => job);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(draw() * (last + 1));
    [names[last], names[other]] = [names[other] ?? 0, names[last] ?? 0];
  }
  const parents: number[][] = Array.from({ length: count }, () => []);
  for (let place = 1; place < count; place++) {
    const own = new Set<number>();
    const wanted = Math.floor(draw() * 2 * edgesEach);
    for (let edge = 0; edge < wanted; edge++) own.add(names[Math.floor(draw() * place)] ?? 0);
    parents[names[place] ?? 0] = [...own];
  }
  return compactGraph(parents, (job) => `type-${(job * 7 + seed) % types}`);
}
