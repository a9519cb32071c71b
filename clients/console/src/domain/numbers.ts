/** Numbers as people type and read them. */

/** Returns a count with its word, such as `1 job` and `2,000 jobs`; `many` is the word for more where it is irregular. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** Returns a whole number of at least 0; null for an empty text. Raises an error that names the field for any other. */
export function wholeNumber(field: string, text: string): number | null {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const number = Number(trimmed);
  if (!/^\d+$/.test(trimmed) || !Number.isSafeInteger(number)) {
    throw new Error(`${field}: must be a whole number`);
  }
  return number;
}
