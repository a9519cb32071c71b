/** The fields of a job beside its parameters, as a form holds them and as the API takes them. */

import type { Fault } from "./values";

/** All as text, as it was typed; empty leaves a field to the API's default. */
export interface OwnFields {
  readonly name: string;
  readonly description: string;
  readonly priority: string;
  readonly pool: string;
  readonly timeout_seconds: string;
  readonly max_retries: string;
  /** RFC 3339. */
  readonly not_before: string;
  /** One a line, as `team=data`. */
  readonly tags: string;
}

export const NO_OWN_FIELDS: OwnFields = {
  name: "",
  description: "",
  priority: "",
  pool: "",
  timeout_seconds: "",
  max_retries: "",
  not_before: "",
  tags: "",
};

/** The paths of these fields in the errors of the API. */
export const OWN_PATHS: readonly string[] = Object.keys(NO_OWN_FIELDS);

const DEFAULT_RETRIES = 3;

export interface SentOwnFields {
  readonly name: string | null;
  readonly description: string | null;
  readonly priority: number | null;
  readonly pool: string | null;
  readonly timeout_seconds: number | null;
  readonly max_retries: number;
  readonly not_before: string | null;
  readonly tags: Readonly<Record<string, string>>;
}

/** Returns what the API takes for the fields, and what in them it can't take. */
export function sentOwnFields(own: OwnFields): {
  readonly sent: SentOwnFields;
  readonly faults: readonly Fault[];
} {
  const faults: Fault[] = [];
  const number = (path: "priority" | "timeout_seconds" | "max_retries", pattern: RegExp, must: string) => {
    const text = own[path].trim();
    if (text === "") return null;
    if (pattern.test(text)) return Number(text);
    faults.push({ path, message: must });
    return null;
  };
  const sent: SentOwnFields = {
    name: own.name === "" ? null : own.name,
    description: own.description === "" ? null : own.description,
    priority: number("priority", WHOLE, "must be a whole number"),
    pool: own.pool === "" ? null : own.pool,
    timeout_seconds: number("timeout_seconds", DECIMAL, "must be a number of seconds"),
    max_retries: number("max_retries", WHOLE, "must be a whole number") ?? DEFAULT_RETRIES,
    not_before: own.not_before === "" ? null : own.not_before,
    tags: tagsOf(own.tags, faults),
  };
  return { sent, faults };
}

const WHOLE = /^\d{1,15}$/;
const DECIMAL = /^\d{1,12}(\.\d+)?$/;

function tagsOf(text: string, faults: Fault[]): Readonly<Record<string, string>> {
  const tags = new Map<string, string>();
  for (const line of text.split("\n").map((each) => each.trim())) {
    if (line === "") continue;
    const at = line.indexOf("=");
    const name = line.slice(0, at).trim();
    if (at < 1 || name === "") faults.push({ path: "tags", message: `${line}: must be like team=data` });
    else if (tags.has(name)) faults.push({ path: "tags", message: `${name} is there twice` });
    else tags.set(name, line.slice(at + 1).trim());
  }
  return Object.fromEntries(tags);
}

/** Returns the fields of a job that exists. Its `not_before` is left out, because that time has mostly passed. */
export function ownFieldsOf(job: {
  readonly name: string | null;
  readonly description: string | null;
  readonly priority: number;
  readonly pool: string;
  readonly timeout_seconds: number;
  readonly max_retries: number;
  readonly tags: Readonly<Record<string, string>>;
}): OwnFields {
  return {
    name: job.name ?? "",
    description: job.description ?? "",
    priority: String(job.priority),
    pool: job.pool,
    timeout_seconds: String(job.timeout_seconds),
    max_retries: String(job.max_retries),
    not_before: "",
    tags: Object.entries(job.tags)
      .map(([name, value]) => `${name}=${value}`)
      .join("\n"),
  };
}
