/** Acts of callers as a person reads them. */

/** What an act is about, as a link can name it. */
export type Subject =
  | { readonly kind: "job" | "workflow" | "pool" | "type" | "grant" | "other"; readonly name: string }
  | { readonly kind: "worker" | "share"; readonly pool: string; readonly name: string };

const ALONE = ["job", "workflow", "pool", "type", "grant"] as const;

/** Reads the subject of an act, such as `worker#ecs#nightly-1`. */
export function subjectOf(text: string): Subject {
  const [kind = "", ...rest] = text.split("#");
  if ((kind === "worker" || kind === "share") && rest.length >= 2) {
    const [pool = "", ...name] = rest;
    return { kind, pool, name: name.join("#") };
  }
  const alone = ALONE.find((each) => each === kind);
  return alone !== undefined && rest.length > 0 && rest.join("#") !== ""
    ? { kind: alone, name: rest.join("#") }
    : { kind: "other", name: text };
}

type Value = string | number | boolean | null;

export interface Difference {
  readonly field: string;
  /** Null where the act's record lacks the side, as for a count. */
  readonly before: string | null;
  readonly after: string | null;
}

/** Returns what an act changed, field by field in the order of their names. */
export function differences(
  before: Readonly<Record<string, Value>>,
  after: Readonly<Record<string, Value>>,
): readonly Difference[] {
  const text = (values: Readonly<Record<string, Value>>, field: string) =>
    field in values ? (values[field] === null ? "none" : String(values[field])) : null;
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().map((field) => ({
    field,
    before: text(before, field),
    after: text(after, field),
  }));
}

/** Returns a difference as text: `paused: false → true`, or `reopened: 4` where only one side is known. */
export function differenceText({ field, before, after }: Difference): string {
  if (before === null) return `${field}: ${after ?? "none"}`;
  return after === null ? `${field}: ${before} → gone` : `${field}: ${before} → ${after}`;
}
