/**
 * Reads a workflow's text: JSON, or the part of YAML that means the same as JSON. The command line reads the same.
 *
 * YAML is read by the core schema of version 1.2, so `no` and `2026-12-01` are texts. What JSON can't express is refused
 * with its place: tags, names that are no texts, repeated names, merges, and numbers with leading zeros.
 */

import { EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException } from "js-yaml";
import type { Json } from "../../domain/forms/model";
import type { Spot } from "../../domain/forms/spots";

/** The API's own bound for a request's body. */
const MAX_DEPTH = 200;
/** The most characters that aliases may add; the API takes about 5 MB. */
const MAX_EXPANDED = 8 * 1024 * 1024;

type Event = ReturnType<typeof parseEvents>[number];
type Scalar = Extract<Event, { type: typeof EVENT_ID.SCALAR }>;
type Collection = Extract<Event, { type: typeof EVENT_ID.SEQUENCE | typeof EVENT_ID.MAPPING }>;

export type Read =
  | { readonly value: Json; readonly spot: Spot }
  | { readonly broken: string; readonly at: number | null };

class Refused extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

interface Value {
  readonly value: Json;
  readonly spot: Spot;
  /** The size in characters, with aliases written out. */
  readonly weight: number;
}

/** A list or an object that is being read; `name` is that of the value that comes next in an object. */
interface Open {
  readonly isList: boolean;
  readonly at: number;
  readonly anchor: string;
  readonly entries: [string, Json][];
  readonly spots: Map<string | number, Spot>;
  weight: number;
  name: string | null;
}

const WORDS: ReadonlyMap<string, Json> = new Map<string, Json>([
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
]);
const INTEGER = /^[-+]?\d+$/;
const OTHER_BASE = /^(?:0o[0-7]+|0x[0-9a-fA-F]+)$/;
const FLOAT = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;
const NO_NUMBER = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/;
const LEADING_ZERO = /^[-+]?0\d/;
const TAGS: ReadonlySet<string> = new Set(["!!str", "!!map", "!!seq"]);
// Text like this was meant as JSON. YAML would accept it without a comma, and read two values as one text.
const MEANT_AS_JSON = /^\s*[{[]\s*(?:["{[]|$)/;

function numberOf(text: string, at: number): number {
  const number = Number(text);
  const isWhole = INTEGER.test(text) || OTHER_BASE.test(text);
  if (!Number.isFinite(number)) throw new Refused(`${text} is too large a number; at most 1.7e308`, at);
  if (isWhole && !Number.isSafeInteger(number)) {
    throw new Refused(
      `a browser can't send ${text.slice(0, 40)} exactly; put it in quotation marks, or use the command line`,
      at,
    );
  }
  return number;
}

function scalarOf(source: string, event: Scalar, at: number): Json {
  const text = getScalarValue(source, event);
  const tag = source.slice(event.tagStart, event.tagEnd);
  if (event.style !== SCALAR_STYLE.PLAIN || tag === "!!str") return text;
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (NO_NUMBER.test(text)) throw new Refused(`${text} is not a number in JSON`, at);
  if (OTHER_BASE.test(text)) return numberOf(text, at);
  if (!FLOAT.test(text)) return text;
  if (LEADING_ZERO.test(text)) {
    throw new Refused(
      `${text.slice(0, 40)} may be a number or a text; put it in quotation marks, or leave its zeros out`,
      at,
    );
  }
  return numberOf(text, at);
}

/** Builds the value of a text from the parser's events, without recursion. */
class Builder {
  private readonly source: string;
  private readonly open: Open[] = [];
  private readonly anchors = new Map<string, Value>();
  private expanded = 0;
  private documents = 0;
  /** Where the last event stood; a value that is left out has no place of its own. */
  private last = 0;
  result: Value | null = null;

  constructor(source: string) {
    this.source = source;
  }

  take(event: Event): void {
    switch (event.type) {
      case EVENT_ID.DOCUMENT:
        this.documents += 1;
        if (this.documents > 1) throw new Refused("holds a second document; submit one at a time", this.last);
        return;
      case EVENT_ID.ALIAS:
        this.alias(event.anchorStart, this.source.slice(event.anchorStart, event.anchorEnd));
        return;
      case EVENT_ID.SCALAR:
        this.scalar(event);
        return;
      case EVENT_ID.SEQUENCE:
      case EVENT_ID.MAPPING:
        this.begin(event);
        return;
      case EVENT_ID.POP:
        this.end();
    }
  }

  private alias(at: number, name: string): void {
    const value = this.anchors.get(name);
    if (value === undefined) throw new Refused(`*${name} refers to no value that ended before it`, at);
    this.expanded += value.weight;
    if (this.expanded > MAX_EXPANDED)
      throw new Refused("aliases make it too large; write less with them", at);
    this.add({ ...value, spot: { ...value.spot, at } });
  }

  private scalar(event: Scalar): void {
    const at = event.valueStart < 0 ? this.last : event.valueStart;
    this.checkTag(event, at);
    const value = scalarOf(this.source, event, at);
    const made = { value, spot: { at }, weight: 1 + Math.max(0, event.valueEnd - event.valueStart) };
    const anchor = this.source.slice(event.anchorStart, event.anchorEnd);
    if (anchor !== "") this.anchors.set(anchor, made);
    this.add(made);
  }

  private begin(event: Collection): void {
    this.checkTag(event, event.start);
    if (this.open.length >= MAX_DEPTH) {
      throw new Refused(`is nested too deeply; at most ${MAX_DEPTH} levels`, event.start);
    }
    const inside = this.open.at(-1);
    if (inside !== undefined && !inside.isList && inside.name === null) this.refuseName(event.start);
    this.last = event.start;
    this.open.push({
      isList: event.type === EVENT_ID.SEQUENCE,
      at: event.start,
      anchor: this.source.slice(event.anchorStart, event.anchorEnd),
      entries: [],
      spots: new Map(),
      weight: 1,
      name: null,
    });
  }

  private end(): void {
    const ended = this.open.pop();
    // The end of the document closes nothing that was opened here.
    if (ended === undefined) return;
    const { isList, entries, spots, at, weight, anchor } = ended;
    const value: Json = isList ? entries.map(([, each]) => each) : Object.fromEntries(entries);
    const made = { value, spot: { at, of: spots }, weight };
    if (anchor !== "") this.anchors.set(anchor, made);
    this.add(made);
  }

  private add(made: Value): void {
    this.last = Math.max(this.last, made.spot.at);
    const inside = this.open.at(-1);
    if (inside === undefined) {
      this.result = made;
      return;
    }
    inside.weight += made.weight;
    if (inside.isList) {
      inside.spots.set(inside.entries.length, made.spot);
      inside.entries.push(["", made.value]);
    } else if (inside.name === null) {
      inside.name = this.nameOf(made, inside);
    } else {
      inside.spots.set(inside.name, made.spot);
      inside.entries.push([inside.name, made.value]);
      inside.name = null;
    }
  }

  private nameOf(made: Value, inside: Open): string {
    const { value, spot } = made;
    if (typeof value !== "string") return this.refuseName(spot.at);
    if (value === "<<") throw new Refused("<< merges are not supported; write the fields out", spot.at);
    if (inside.spots.has(value)) throw new Refused(`an object has ${JSON.stringify(value)} twice`, spot.at);
    return value;
  }

  private refuseName(at: number): never {
    throw new Refused("a name in an object must be text; put it in quotation marks", at);
  }

  private checkTag(event: Scalar | Collection, at: number): void {
    const tag = this.source.slice(event.tagStart, event.tagEnd);
    if (tag !== "" && !TAGS.has(tag)) throw new Refused(`the tag ${tag} is not supported`, at);
  }
}

function built(text: string): Value {
  const builder = new Builder(text);
  // The parser counts a level more than the values have.
  for (const event of parseEvents(text, { maxDepth: MAX_DEPTH + 2 })) builder.take(event);
  if (builder.result === null) throw new Refused("is empty", 0);
  return builder.result;
}

/** Returns where a text stops to be JSON; null where the browser does not tell it. */
function placeOfJson(text: string, message: string): number | null {
  const [, position] = /position (\d+)/.exec(message) ?? [];
  if (position !== undefined) return Math.min(Number(position), text.length);
  const [, line, column] = /line (\d+) column (\d+)/.exec(message) ?? [];
  if (line === undefined || column === undefined) return null;
  const before = text.split("\n").slice(0, Number(line) - 1);
  return before.reduce((sum, each) => sum + each.length + 1, 0) + Number(column) - 1;
}

/** Reads a text. What is broken is told with its offset. */
export function readText(text: string): Read {
  let json: Json | undefined;
  if (MEANT_AS_JSON.test(text)) {
    try {
      json = JSON.parse(text);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const said = message.replace(/ (?:in JSON )?at (?:position|line) .*$/, "");
      return { broken: `is not JSON: ${said}`, at: placeOfJson(text, message) };
    }
  }
  try {
    const { value, spot } = built(text);
    return { value, spot };
  } catch (error) {
    if (error instanceof Refused) return { broken: error.message, at: error.at };
    if (!(error instanceof YAMLException)) throw error;
    // The few texts that are JSON and no YAML are taken as they are, without the places of their values.
    if (json !== undefined) return { value: json, spot: { at: 0 } };
    return { broken: `is not YAML: ${error.reason}`, at: error.mark?.position ?? null };
  }
}
