/** The places of all jobs of a workflow as small cells by level, so that 10,000 of them fit into one picture. */

import { at } from "./dag";
import type { Graph } from "./graph";

/** Cells one below the other: the jobs of `order` from `start` on. */
export interface MapColumn {
  readonly x: number;
  readonly start: number;
  readonly count: number;
  /** The level of its first job. */
  readonly level: number;
}

export interface JobMap {
  /** From the beginning of one cell to that of the next, in pixels. */
  readonly cell: number;
  readonly width: number;
  readonly height: number;
  /** False where the levels are too many for a column each; jobs of several levels then share columns. */
  readonly byLevel: boolean;
  /** The jobs by level, and in a level in the order of their submission. */
  readonly order: Int32Array;
  readonly columns: readonly MapColumn[];
}

const CELLS = [20, 16, 14, 12, 10, 9, 8, 7, 6, 5, 4, 3] as const;
/** Cells that are smaller show no pattern, so levels share columns before cells get as small. */
const LEAST_BY_LEVEL = 5;
const SMALLEST = 3;

function orderByLevel(graph: Graph): { readonly order: Int32Array; readonly starts: Int32Array } {
  const starts = new Int32Array(graph.depth + 1);
  for (const level of graph.levels) starts[level + 1] = at(starts, level + 1) + 1;
  for (let level = 0; level < graph.depth; level++)
    starts[level + 1] = at(starts, level + 1) + at(starts, level);
  const next = starts.slice();
  const order = new Int32Array(graph.count);
  graph.levels.forEach((level, job) => {
    const place = at(next, level);
    order[place] = job;
    next[level] = place + 1;
  });
  return { order, starts };
}

function gapOf(cell: number): number {
  return Math.max(2, Math.floor(cell / 2));
}

/** Returns the columns of the jobs between some places of the order, of which each begins a column. */
function columnsOf(
  graph: Graph,
  order: Int32Array,
  starts: readonly number[],
  cell: number,
  rows: number,
): readonly MapColumn[] {
  const columns: MapColumn[] = [];
  let x = 0;
  starts.forEach((start, part) => {
    const end = starts[part + 1] ?? graph.count;
    for (let place = start; place < end; place += rows) {
      columns.push({
        x,
        start: place,
        count: Math.min(rows, end - place),
        level: at(graph.levels, at(order, place)),
      });
      x += cell;
    }
    x += gapOf(cell);
  });
  return columns;
}

/** Places the jobs of a graph in at most `width` pixels, and in `height` pixels as long as cells can still be seen. */
export function mapOf(graph: Graph, width: number, height: number): JobMap {
  const { order, starts } = orderByLevel(graph);
  const levels = [...starts.subarray(0, graph.depth)];
  const made = (cell: number, rows: number, byLevel: boolean): JobMap => {
    const columns = columnsOf(graph, order, byLevel ? levels : [0], cell, rows);
    const tallest = columns.reduce((most, column) => Math.max(most, column.count), 0);
    const last = columns.at(-1);
    return {
      cell,
      width: last === undefined ? 0 : last.x + cell,
      height: tallest * cell,
      byLevel,
      order,
      columns,
    };
  };
  for (const byLevel of [true, false]) {
    for (const cell of CELLS) {
      if (byLevel && cell < LEAST_BY_LEVEL) break;
      const map = made(cell, Math.max(1, Math.floor(height / cell)), byLevel);
      if (map.width <= width) return map;
    }
  }
  const across = Math.max(1, Math.floor(width / SMALLEST));
  return made(SMALLEST, Math.max(1, Math.ceil(graph.count / across)), false);
}

/** Returns the job whose cell has a point; null where none has. */
export function jobAt(map: JobMap, x: number, y: number): number | null {
  const column = map.columns.find((each) => x >= each.x && x < each.x + map.cell);
  const row = Math.floor(y / map.cell);
  return column === undefined || row < 0 || row >= column.count ? null : at(map.order, column.start + row);
}

/** Returns the left upper corner of a job's cell; null for a job that the map does not have. */
export function cellOf(map: JobMap, job: number): { readonly x: number; readonly y: number } | null {
  const place = map.order.indexOf(job);
  const column = map.columns.find((each) => place >= each.start && place < each.start + each.count);
  return column === undefined ? null : { x: column.x, y: (place - column.start) * map.cell };
}

/** Returns the columns that begin a level and have `apart` pixels before them, for its number above them. */
export function levelMarks(map: JobMap, apart: number): readonly MapColumn[] {
  const marks: MapColumn[] = [];
  let [level, reached] = [-1, -apart];
  for (const column of map.columns) {
    if (column.level === level) continue;
    level = column.level;
    if (column.x - reached < apart) continue;
    marks.push(column);
    reached = column.x;
  }
  return marks;
}
