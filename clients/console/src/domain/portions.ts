/** Acts on many jobs, which the API does in portions: each answer names the cursor of the next one. */

export interface Portion {
  readonly complete: boolean;
  readonly cursor: string | null;
}

export interface Portions<T> {
  readonly answers: readonly T[];
  /** False where something was left when the portions had been used up, or when no cursor led on. */
  readonly complete: boolean;
}

/** Calls for one portion after another until all is done, at most `most` times. */
export async function inPortions<T extends Portion>(
  call: (cursor: string | undefined) => Promise<T>,
  most: number,
): Promise<Portions<T>> {
  const answers: T[] = [];
  let cursor: string | undefined;
  for (let turn = 0; turn < most; turn++) {
    const answer = await call(cursor);
    answers.push(answer);
    if (answer.complete) return { answers, complete: true };
    if (answer.cursor === null) break;
    cursor = answer.cursor;
  }
  return { answers, complete: false };
}

/** Returns the sum of one number of all answers. */
export function sumOf<T>(portions: Portions<T>, number: (answer: T) => number): number {
  return portions.answers.reduce((sum, answer) => sum + number(answer), 0);
}
