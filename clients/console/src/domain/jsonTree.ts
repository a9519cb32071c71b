/** A JSON value as lines of a tree that can be folded and searched. Pure, and bounded in what it makes. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** One line of the tree: a value, or the head of a list or an object. */
export interface Line {
  /** The place of the value, such as `$.steps[3].name`; unique in the tree. */
  readonly path: string;
  readonly depth: number;
  /** The name in the object or the index in the list; null for the root. */
  readonly name: string | null;
  /** The text of a scalar; of a list or an object its brackets and its size. */
  readonly text: string;
  readonly kind: "string" | "number" | "boolean" | "null" | "list" | "object";
  readonly open: boolean;
  readonly matches: boolean;
}

export interface Tree {
  readonly lines: readonly Line[];
  /** How many values match the search in all. */
  readonly matches: number;
  /** Whether there are more lines than were asked for. */
  readonly cut: boolean;
}

/** Values with more text than this are shown as text alone, once somebody asks for it. */
export const LARGE_CHARACTERS = 300_000;
const OPEN_BY_ITSELF = 2;
const LONGEST_TEXT = 2_000;
const NAME = /^[A-Za-z_$][\w$]*$/;

export function isJson(value: unknown): value is Json {
  return value !== undefined;
}

/** Returns whether a value is a list or an object with something in it. */
function isBranch(value: Json): value is readonly Json[] | { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null;
}

function childrenOf(value: readonly Json[] | { readonly [name: string]: Json }): [string, Json][] {
  return Array.isArray(value)
    ? value.map((each: Json, index) => [String(index), each])
    : Object.entries(value as { readonly [name: string]: Json });
}

function pathOf(parent: string, name: string, ofList: boolean): string {
  if (ofList) return `${parent}[${name}]`;
  return NAME.test(name) ? `${parent}.${name}` : `${parent}[${JSON.stringify(name)}]`;
}

function textOf(value: Json): string {
  if (Array.isArray(value)) return `[${value.length} ${value.length === 1 ? "item" : "items"}]`;
  if (isBranch(value)) {
    const count = Object.keys(value).length;
    return `{${count} ${count === 1 ? "field" : "fields"}}`;
  }
  const text = JSON.stringify(value);
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
}

function kindOf(value: Json): Line["kind"] {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  const kind = typeof value;
  return kind === "string" || kind === "number" || kind === "boolean" ? kind : "object";
}

function isMatch(name: string | null, value: Json, sought: string): boolean {
  if (sought === "") return false;
  if (name?.toLowerCase().includes(sought)) return true;
  return !isBranch(value) && String(value).toLowerCase().includes(sought);
}

/**
 * Returns the lines of a value. `turned` holds the paths that somebody opened or closed against what they are by
 * themselves: the first levels open, the others closed. With `search` the lines are the matches and what they stand in.
 */
export function treeOf(
  root: Json,
  options: { readonly turned?: ReadonlySet<string>; readonly search?: string; readonly most: number },
): Tree {
  const { turned = new Set<string>(), most } = options;
  const sought = (options.search ?? "").trim().toLowerCase();
  const holding = sought === "" ? null : pathsWithMatches(root, sought);
  const lines: Line[] = [];
  let cut = false;
  const walk = (value: Json, path: string, name: string | null, depth: number): void => {
    if (holding !== null && !holding.paths.has(path)) return;
    if (lines.length >= most) {
      cut = true;
      return;
    }
    const branch = isBranch(value);
    const byItself = holding !== null ? holding.inside.has(path) : depth < OPEN_BY_ITSELF;
    const open = branch && (turned.has(path) ? !byItself : byItself);
    const matches = isMatch(name, value, sought);
    lines.push({ path, depth, name, text: textOf(value), kind: kindOf(value), open, matches });
    if (!open) return;
    for (const [child, inner] of childrenOf(value)) {
      if (cut) return;
      walk(inner, pathOf(path, child, Array.isArray(value)), child, depth + 1);
    }
  };
  walk(root, "$", null, 0);
  return { lines, matches: holding?.count ?? 0, cut };
}

interface Matching {
  /** The paths of matches, of all that they stand in, and of all that stands in a matching name. */
  readonly paths: ReadonlySet<string>;
  /** The paths in which a match stands, so that they are open. */
  readonly inside: ReadonlySet<string>;
  readonly count: number;
}

function pathsWithMatches(root: Json, sought: string): Matching {
  const paths = new Set<string>();
  const inside = new Set<string>();
  let count = 0;
  const walk = (value: Json, path: string, name: string | null, within: boolean): boolean => {
    const own = isMatch(name, value, sought);
    if (own) count += 1;
    let below = false;
    if (isBranch(value)) {
      for (const [child, inner] of childrenOf(value)) {
        if (walk(inner, pathOf(path, child, Array.isArray(value)), child, own || within)) below = true;
      }
    }
    if (own || below || within) paths.add(path);
    if (below) inside.add(path);
    return own || below;
  };
  walk(root, "$", null, false);
  paths.add("$");
  return { paths, inside, count };
}
