/** Times within ids that are ULIDs (https://github.com/ulid/spec): the first ten characters are milliseconds. */

const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SHAPE = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Returns when `id` was made, in milliseconds since 1970; null for a text that is no ULID. */
export function madeAtMs(id: string): number | null {
  if (!SHAPE.test(id)) return null;
  let ms = 0;
  for (const letter of id.slice(0, 10)) ms = ms * 32 + LETTERS.indexOf(letter);
  return ms;
}
