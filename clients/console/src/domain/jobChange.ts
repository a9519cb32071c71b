/** A form that changes a waiting job, as the fields that differ from what the job has. */

import { parted } from "./jobFilters";
import type { Zone } from "./times";
import { instantOf } from "./wallClock";

/** The fields as somebody typed them. */
export interface ChangeForm {
  readonly priority: string;
  readonly notBefore: string;
  readonly pool: string;
  readonly description: string;
  readonly tags: string;
}

export interface Change {
  readonly priority?: number;
  readonly not_before?: string | null;
  readonly pool?: string;
  readonly description?: string | null;
  readonly tags?: Record<string, string>;
}

export type Faults = Readonly<Partial<Record<keyof ChangeForm, string>>>;

const HIGHEST_PRIORITY = 1_000;
const MOST_TAGS = 20;

/** Reads tags like `team=data,kind=x`; null where one of them has no name. */
export function tagsOf(text: string): Record<string, string> | null {
  const pairs = parted(text).map((tag): [string, string] => {
    const at = tag.indexOf("=");
    return [tag.slice(0, Math.max(0, at)).trim(), tag.slice(at + 1).trim()];
  });
  return pairs.every(([name, value]) => name !== "" && value !== "") ? Object.fromEntries(pairs) : null;
}

/** Compares a form with the form of the job as it is. Only the fields that somebody changed are in the change. */
export function changeOf(
  before: ChangeForm,
  after: ChangeForm,
  zone: Zone,
): { readonly change: Change; readonly faults: Faults } {
  const faults: Partial<Record<keyof ChangeForm, string>> = {};
  const differs = (name: keyof ChangeForm) => after[name].trim() !== before[name].trim();
  const priority = Number(after.priority);
  const fits = Number.isInteger(priority) && priority >= 1 && priority <= HIGHEST_PRIORITY;
  if (differs("priority") && !fits) faults.priority = `a whole number from 1 to ${HIGHEST_PRIORITY}`;
  const none = after.notBefore.trim() === "";
  const time = none ? null : instantOf(after.notBefore, zone);
  if (differs("notBefore") && time === null && !none) faults.notBefore = "a time is like 2026-12-01 06:00";
  if (differs("pool") && after.pool.trim() === "") faults.pool = "the name of a pool";
  const tags = tagsOf(after.tags);
  if (differs("tags") && tags === null) faults.tags = "tags are like team=data,kind=nightly";
  if (tags !== null && Object.keys(tags).length > MOST_TAGS) faults.tags = `at most ${MOST_TAGS} tags`;
  const change: Change = {
    ...(differs("priority") && fits ? { priority } : {}),
    ...(differs("notBefore") && faults.notBefore === undefined ? { not_before: time } : {}),
    ...(differs("pool") && faults.pool === undefined ? { pool: after.pool.trim() } : {}),
    ...(differs("description") ? { description: after.description.trim() || null } : {}),
    ...(differs("tags") && tags !== null && faults.tags === undefined ? { tags } : {}),
  };
  return { change, faults };
}

/** Reads a JSON object that somebody typed; null where it is none. Empty text is no object, and is read as undefined. */
export function typedObject(text: string): Record<string, unknown> | null | undefined {
  if (text.trim() === "") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value))
      : null;
  } catch {
    return null;
  }
}
