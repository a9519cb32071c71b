/** Where the values of a text stand in it, so that an error about a value can name its line. */

/** A value that begins at the offset `at`; `of` are the values in it, by name or by place. */
export interface Spot {
  readonly at: number;
  readonly of?: ReadonlyMap<string | number, Spot>;
}

/** A place in a text, as editors count: both begin with 1. */
export interface Line {
  readonly line: number;
  readonly column: number;
}

const STEP = /([^.[\]]+)|\[(\d+)\]/g;

/**
 * Returns the offset of the value at a path such as `jobs[3].depends_on[0].key`. Where there is no such value, it is that
 * of the nearest one around it.
 */
export function offsetOf(root: Spot, path: string): number {
  let spot = root;
  for (const [, name, place] of path.matchAll(STEP)) {
    const next = spot.of?.get(place === undefined ? (name ?? "") : Number(place));
    if (next === undefined) break;
    spot = next;
  }
  return spot.at;
}

/** Returns the line and the column of an offset. */
export function lineOf(text: string, offset: number): Line {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - start + 1 };
}

/** Returns where a line begins and ends, as offsets without the end of the line. */
export function boundsOfLine(text: string, line: number): readonly [number, number] {
  let start = 0;
  for (let passed = 1; passed < line; passed++) {
    const end = text.indexOf("\n", start);
    if (end < 0) break;
    start = end + 1;
  }
  const end = text.indexOf("\n", start);
  return [start, end < 0 ? text.length : end];
}
