/** A figure with its bound. */

export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly most?: number;
  readonly least?: number;
}

/** Returns the value below which `part` of the values are. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

/** Writes what is being measured to standard error. */
export function tell(text: string): void {
  process.stderr.write(`bars: ${text}\n`);
}
