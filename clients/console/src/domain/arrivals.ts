/** Rows that arrive at the top of a list while someone reads it. They wait to be called, so that no row moves. */

export interface Arrivals<Row> {
  readonly rows: readonly Row[];
  readonly waiting: number;
}

/** Keeps back the rows above the first one that was shown before. With nothing shown before, it keeps none back. */
export function arrivalsOf<Row>(
  rows: readonly Row[],
  shown: ReadonlySet<string>,
  idOf: (row: Row) => string,
): Arrivals<Row> {
  const first = rows.findIndex((row) => shown.has(idOf(row)));
  return first <= 0 ? { rows, waiting: 0 } : { rows: rows.slice(first), waiting: first };
}
