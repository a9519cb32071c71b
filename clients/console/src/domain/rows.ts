/** Rows of a list: ranges of them, and what is new in a list that is shown. */

/** The ids between two rows, both inclusive, in the order of the list; only `to` where `from` is not in the list. */
export function rangeOf(ids: readonly string[], from: string | null, to: string): readonly string[] {
  const start = from === null ? -1 : ids.indexOf(from);
  const end = ids.indexOf(to);
  if (end < 0) return [];
  if (start < 0) return [to];
  return ids.slice(Math.min(start, end), Math.max(start, end) + 1);
}

/** Compares the first page as it was read with the same page now. */
export function compareFirstPage(
  shown: readonly string[],
  now: readonly string[],
  known: ReadonlySet<string>,
): { readonly fresh: number; readonly gone: number } {
  const fresh = now.filter((id) => !known.has(id)).length;
  const present = new Set(now);
  // As many rows as are new may have been pushed to the next page, so they are not looked for here.
  const sure = shown.slice(0, Math.max(0, shown.length - fresh));
  return { fresh, gone: sure.filter((id) => !present.has(id)).length };
}
