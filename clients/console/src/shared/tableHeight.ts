const HEADER_PX = 42;
const ROW_PX = 38;

/** Returns the height of a table of `rows` rows: no more than it needs, and no more than a part of the window. */
export function tableHeight(rows: number): string {
  return `min(65vh, ${HEADER_PX + rows * ROW_PX}px)`;
}
