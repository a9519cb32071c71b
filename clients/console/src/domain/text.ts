/** Text that callers wrote, made harmless to look at. */

// Control characters, marks of direction and marks without width can make a text look like another one.
const DECEIVING = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Returns the text with each deceiving character written out, like `\u202e`. */
export function plain(text: string): string {
  return text.replace(DECEIVING, (found) =>
    found === "\n" || found === "\t"
      ? " "
      : `\\u${(found.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}

/** Returns the text cut to `most` characters, with an ellipsis where it was cut. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
