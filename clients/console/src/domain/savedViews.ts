/** Views of the list of jobs: filters under a name, some of which everybody has, and those that somebody saved. */

import { type Address, addressOf, filtersOf, type JobFilters } from "./jobFilters";

export interface View {
  readonly name: string;
  /** The filters as parts of the address. */
  readonly address: Address;
}

export const MOST_VIEWS = 20;
export const LONGEST_NAME = 40;
const LONGEST_ADDRESS = 2_000;

/** The views that everybody has. `subject` is the caller; null where it is not known yet. */
export function commonViews(subject: string | null): readonly View[] {
  return [
    {
      name: "Failed in 24 h",
      address: { state: "FAILED,TIMED_OUT", since: "24h", order: "newest" },
    },
    { name: "Running long", address: { state: "RUNNING", overdue: "true" } },
    { name: "Approvals", address: { state: "RUNNING", type: "tidegate.approval" } },
    { name: "Waiting over 10 min", address: { state: "READY", waits_longer_than: "600" } },
    ...(subject === null ? [] : [{ name: "Mine", address: { submitted_by: subject, order: "newest" } }]),
  ];
}

function keyOf(address: Address): string {
  return JSON.stringify(addressOf(filtersOf(address)));
}

/** Returns whether a view is the one that filters show. */
export function isShown(view: View, filters: JobFilters): boolean {
  return keyOf(view.address) === JSON.stringify(addressOf(filters));
}

function viewOf(value: unknown): View | null {
  if (typeof value !== "object" || value === null || !("name" in value) || !("address" in value)) return null;
  const { name, address } = value;
  if (typeof name !== "string" || name.trim() === "" || name.length > LONGEST_NAME) return null;
  if (typeof address !== "object" || address === null) return null;
  const texts = Object.fromEntries(
    Object.entries(address).filter((each): each is [string, string] => typeof each[1] === "string"),
  );
  const known = addressOf(filtersOf(texts));
  return JSON.stringify(known).length > LONGEST_ADDRESS ? null : { name, address: known };
}

/** Reads views that were stored. What is no view is left out, as is a part of an address that is no filter. */
export function viewsIn(value: unknown): readonly View[] {
  if (!Array.isArray(value)) return [];
  const found = new Map<string, View>();
  for (const each of value) {
    const view = viewOf(each);
    if (view !== null && !found.has(view.name)) found.set(view.name, view);
  }
  return [...found.values()].slice(0, MOST_VIEWS);
}

/** Returns why filters can't be saved under a name; null where they can. A name that is taken gets other filters. */
export function whyNotSaved(views: readonly View[], name: string, filters: JobFilters): string | null {
  const wanted = name.trim();
  if (wanted === "") return "give the view a name";
  if (wanted.length > LONGEST_NAME) return `a name has at most ${LONGEST_NAME} letters`;
  if (viewOf({ name: wanted, address: addressOf(filters) }) === null)
    return "these filters are too long to save";
  const isNew = views.every((view) => view.name !== wanted);
  return isNew && views.length >= MOST_VIEWS ? `at most ${MOST_VIEWS} views; forget one first` : null;
}

/** Returns the views with filters saved under a name. */
export function withView(views: readonly View[], name: string, filters: JobFilters): readonly View[] {
  const made = { name: name.trim(), address: addressOf(filters) };
  return views.some((view) => view.name === made.name)
    ? views.map((view) => (view.name === made.name ? made : view))
    : [...views, made];
}

export function withoutView(views: readonly View[], name: string): readonly View[] {
  return views.filter((view) => view.name !== name);
}
