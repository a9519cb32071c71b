/** The filters of the list of jobs: as parts of the address, as parameters of the API, and as words. */

import { VERDICTS, type Verdict } from "./forecast";
import { isJobState, JOB_STATES, type JobState } from "./states";

/** The filters with one text each, in the order in which they are shown. */
export const TEXT_FILTERS = [
  "pool",
  "type",
  "workflow",
  "worker",
  "name",
  "key",
  "error",
  "failure",
  "submitted_by",
  "from",
  "to",
] as const;

export type TextFilter = (typeof TEXT_FILTERS)[number];

export const ORDERS = ["state", "newest", "oldest", "priority"] as const;

export type Order = (typeof ORDERS)[number];

export interface JobFilters extends Readonly<Partial<Record<TextFilter, string>>> {
  /** No state means all of them. */
  readonly states: readonly JobState[];
  readonly tags: readonly string[];
  /** How far back the moment of a job may lie, such as `24h`; `from` is then not used. */
  readonly since?: string;
  /** What is known about the time that the jobs ought to end by. */
  readonly verdict?: Verdict;
  readonly overdue: boolean;
  readonly waitsLongerThan?: number;
  readonly order: Order;
}

export const NO_FILTERS: JobFilters = { states: [], tags: [], overdue: false, order: "state" };

export type Address = Readonly<Record<string, string>>;

const SINCE = /^([1-9]\d{0,4})(m|h|d)$/;
const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const MOST_WAIT_SECONDS = 34_560_000;

/** Returns the milliseconds of a text like `24h`, `30m` or `7d`; null for any other text. */
export function sinceMs(text: string): number | null {
  const [, number, unit] = SINCE.exec(text) ?? [];
  return number === undefined || unit === undefined ? null : Number(number) * (UNIT_MS[unit] ?? 0);
}

/** Returns texts as one, with commas between; a comma of a text gets a backslash before it. */
export function joined(texts: readonly string[]): string {
  return texts.map((text) => text.replace(/[\\,]/g, "\\$&")).join(",");
}

/** Returns the texts that `joined` made one of. */
export function parted(text: string): readonly string[] {
  const found = [""];
  for (let at = 0; at < text.length; at += 1) {
    const letter = text.charAt(at);
    if (letter === ",") {
      found.push("");
      continue;
    }
    if (letter === "\\") at += 1;
    found[found.length - 1] += letter === "\\" ? text.charAt(at) : letter;
  }
  return found.filter((each) => each !== "");
}

/** Reads the filters of an address. A part that is no filter, or has no valid value, is left out. */
export function filtersOf(address: Readonly<Record<string, string | undefined>>): JobFilters {
  const texts = Object.fromEntries(
    TEXT_FILTERS.flatMap((name) => {
      const text = address[name]?.trim();
      if (text === undefined || text === "") return [];
      if ((name === "from" || name === "to") && Number.isNaN(Date.parse(text))) return [];
      return [[name, text]];
    }),
  );
  const given = (address.state ?? "").toUpperCase().split(",").filter(isJobState);
  const waits = Number(address.waits_longer_than);
  const since = address.since;
  const verdict = VERDICTS.find((each) => each === address.verdict);
  return {
    ...texts,
    // The order of the list is that of the words, wherever they stand in the address.
    states: JOB_STATES.filter((state) => given.includes(state)),
    tags: [...new Set(parted(address.tag ?? ""))].filter((tag) => tag.indexOf("=") > 0),
    ...(since !== undefined && sinceMs(since) !== null ? { since } : {}),
    ...(verdict === undefined ? {} : { verdict }),
    overdue: address.overdue === "true",
    ...(address.waits_longer_than !== undefined && waits >= 0 && waits <= MOST_WAIT_SECONDS
      ? { waitsLongerThan: waits }
      : {}),
    order: ORDERS.find((order) => order === address.order) ?? "state",
  };
}

/** Returns the parts of the address for filters; a filter that is not set has none. */
export function addressOf(filters: JobFilters): Address {
  const found: Record<string, string> = {};
  if (filters.states.length > 0) found.state = filters.states.join(",");
  for (const name of TEXT_FILTERS) {
    const text = filters[name];
    if (text !== undefined && text !== "") found[name] = text;
  }
  if (filters.tags.length > 0) found.tag = joined(filters.tags);
  if (filters.since !== undefined) found.since = filters.since;
  if (filters.verdict !== undefined) found.verdict = filters.verdict;
  if (filters.overdue) found.overdue = "true";
  if (filters.waitsLongerThan !== undefined) found.waits_longer_than = String(filters.waitsLongerThan);
  if (filters.order !== "state") found.order = filters.order;
  return found;
}

/** The parameters of `GET /v1/jobs` but for pages. */
export interface JobQuery extends Readonly<Partial<Record<TextFilter, string>>> {
  readonly state: JobState[];
  readonly tag?: string[];
  readonly verdict?: Verdict;
  readonly overdue?: boolean;
  readonly waits_longer_than?: number;
  readonly order?: "priority" | "time";
  readonly direction?: "asc" | "desc";
}

function textsOf(filters: JobFilters, nowMs: number): Partial<Record<TextFilter, string>> {
  const found: Partial<Record<TextFilter, string>> = {};
  for (const name of TEXT_FILTERS) {
    const text = filters[name];
    if (text !== undefined) found[name] = text;
  }
  const back = filters.since === undefined ? null : sinceMs(filters.since);
  if (back !== null) found.from = new Date(nowMs - back).toISOString();
  return found;
}

/** Returns what to ask the API. `nowMs` is the moment that `since` counts back from. */
export function queryOf(filters: JobFilters, nowMs: number): JobQuery {
  const states = filters.states.length === 0 ? JOB_STATES : filters.states;
  return {
    ...textsOf(filters, nowMs),
    state: [...states],
    ...(filters.tags.length === 0 ? {} : { tag: [...filters.tags] }),
    ...(filters.verdict === undefined ? {} : { verdict: filters.verdict }),
    ...(filters.overdue ? { overdue: true } : {}),
    ...(filters.waitsLongerThan === undefined ? {} : { waits_longer_than: filters.waitsLongerThan }),
    ...(filters.order === "priority" ? { order: "priority" as const } : {}),
    ...(filters.order === "newest" ? { order: "time" as const, direction: "desc" as const } : {}),
    ...(filters.order === "oldest" ? { order: "time" as const, direction: "asc" as const } : {}),
  };
}

/** The `filter` of an act in bulk. */
export interface BulkFilter extends Readonly<Partial<Record<TextFilter, string>>> {
  readonly state: string;
  readonly tag?: string[];
  readonly verdict?: Verdict;
  readonly overdue?: boolean;
  readonly waits_longer_than?: number;
}

/**
 * Returns the filter for an act that has an effect in the states of `possible`: those of the list among them. Null if
 * the list shows no such state.
 */
export function bulkFilterOf(
  filters: JobFilters,
  possible: ReadonlySet<string>,
  nowMs: number,
): BulkFilter | null {
  const { state, order: _order, direction: _direction, ...rest } = queryOf(filters, nowMs);
  const states = state.filter((each) => possible.has(each));
  return states.length === 0 ? null : { ...rest, state: states.join(",") };
}

/** One filter that is set, as words, with what the filters are without it. */
export interface Chip {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  readonly without: JobFilters;
}

const NAMES: Readonly<Record<TextFilter, string>> = {
  pool: "pool",
  type: "type",
  workflow: "workflow",
  worker: "worker",
  name: "name begins with",
  key: "key begins with",
  error: "error",
  failure: "failure group",
  submitted_by: "submitted by",
  from: "from",
  to: "to",
};

function leaving<K extends keyof JobFilters>(filters: JobFilters, name: K): JobFilters {
  const { [name]: _left, ...rest } = filters;
  return { ...NO_FILTERS, ...rest };
}

/** Returns the filters that are set, each as a chip. The state of a job has a control of its own. */
export function chipsOf(filters: JobFilters): readonly Chip[] {
  const chips: Chip[] = [];
  for (const name of TEXT_FILTERS) {
    const value = filters[name];
    if (value !== undefined)
      chips.push({ id: name, name: NAMES[name], value, without: leaving(filters, name) });
  }
  for (const tag of filters.tags) {
    const without = { ...filters, tags: filters.tags.filter((each) => each !== tag) };
    chips.push({ id: `tag ${tag}`, name: "tag", value: tag, without });
  }
  if (filters.since !== undefined) {
    chips.push({ id: "since", name: "since", value: filters.since, without: leaving(filters, "since") });
  }
  if (filters.verdict !== undefined) {
    const value = filters.verdict.replace("-", " ");
    chips.push({
      id: "verdict",
      name: "time to finish by",
      value,
      without: leaving(filters, "verdict"),
    });
  }
  if (filters.overdue) {
    chips.push({ id: "overdue", name: "overdue", value: "yes", without: { ...filters, overdue: false } });
  }
  if (filters.waitsLongerThan !== undefined) {
    const value = `${filters.waitsLongerThan} s`;
    chips.push({
      id: "waits",
      name: "waits longer than",
      value,
      without: leaving(filters, "waitsLongerThan"),
    });
  }
  return chips;
}

const ID = /^[0-9A-HJKMNP-TV-Z]{26}(\.\d{1,4})?$/;

/** Returns the id that a text is, or null. Ids are written in capitals; a text in small letters is one too. */
export function idOf(text: string): string | null {
  const id = text.trim().toUpperCase();
  return ID.test(id) ? id : null;
}
