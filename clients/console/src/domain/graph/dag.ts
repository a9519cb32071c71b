/** Directed graphs without circles over the numbers 0 to count - 1, as flat arrays, so that 10,000 jobs cost little. */

/** The neighbours of every node on one side: those of node n are `ends` from `starts[n]` to `starts[n + 1]`. */
export interface Links {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

export interface Dag {
  readonly count: number;
  readonly parents: Links;
  readonly children: Links;
}

/** Returns the neighbours of a node. */
export function linksOf(links: Links, node: number): Int32Array {
  return links.ends.subarray(links.starts[node], links.starts[node + 1]);
}

/** Returns a number of an array whose bounds the caller keeps; 0 beyond them. */
export function at(numbers: Int32Array | Float64Array | readonly number[], place: number): number {
  return numbers[place] ?? 0;
}

function linksFrom(count: number, nodes: readonly number[], others: readonly number[]): Links {
  const starts = new Int32Array(count + 1);
  for (const node of nodes) starts[node + 1] = at(starts, node + 1) + 1;
  for (let node = 0; node < count; node++) starts[node + 1] = at(starts, node + 1) + at(starts, node);
  const next = starts.slice();
  const ends = new Int32Array(nodes.length);
  nodes.forEach((node, edge) => {
    const place = at(next, node);
    ends[place] = at(others, edge);
    next[node] = place + 1;
  });
  return { starts, ends };
}

/** Makes a graph of edges, of which the one at a place goes from `from[place]` to `to[place]`. */
export function makeDag(count: number, from: readonly number[], to: readonly number[]): Dag {
  return { count, parents: linksFrom(count, to, from), children: linksFrom(count, from, to) };
}

/** Returns the nodes with each one behind all of its parents; null where the edges form a circle. */
export function orderOf(dag: Dag): Int32Array | null {
  const waits = new Int32Array(dag.count);
  const order = new Int32Array(dag.count);
  let known = 0;
  for (let node = 0; node < dag.count; node++) {
    waits[node] = linksOf(dag.parents, node).length;
    if (waits[node] === 0) order[known++] = node;
  }
  for (let done = 0; done < known; done++) {
    for (const child of linksOf(dag.children, at(order, done))) {
      const left = at(waits, child) - 1;
      waits[child] = left;
      if (left === 0) order[known++] = child;
    }
  }
  return known === dag.count ? order : null;
}

/** Returns how many edges the longest way from a node without parents has. `order` is that of `orderOf`. */
export function levelsOf(dag: Dag, order: Int32Array): Int32Array {
  const levels = new Int32Array(dag.count);
  for (const node of order) {
    const next = at(levels, node) + 1;
    for (const child of linksOf(dag.children, node)) if (at(levels, child) < next) levels[child] = next;
  }
  return levels;
}

/** Returns the graph of some nodes, named by their places in `nodes`, with the edges between them. */
export function partOf(dag: Dag, nodes: readonly number[]): Dag {
  const places = new Map(nodes.map((node, place) => [node, place]));
  const from: number[] = [];
  const to: number[] = [];
  nodes.forEach((node, place) => {
    for (const child of linksOf(dag.children, node)) {
      const other = places.get(child);
      if (other === undefined) continue;
      from.push(place);
      to.push(other);
    }
  });
  return makeDag(nodes.length, from, to);
}
