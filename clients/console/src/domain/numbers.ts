/** Numbers as people type them. */

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
