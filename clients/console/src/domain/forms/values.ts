/** What a form holds, and the parameters that it stands for, both ways. */

import { type Field, type FieldKind, isRecord, type Json, type Scalar, type ScalarField } from "./model";

/**
 * The value of one field: text as it was typed (choices and booleans as JSON), the items of a list, or the fields of a
 * group. Undefined leaves the field out, and null sends null.
 */
export type FormValue = undefined | null | string | readonly string[] | FormValues;

export interface FormValues {
  readonly [name: string]: FormValue;
}

export interface Fault {
  /** The field's path, as the API writes it: `address.street`, `sizes[2]`. */
  readonly path: string;
  readonly message: string;
}

export interface Parameters {
  readonly parameters: { readonly [name: string]: Json };
  readonly faults: readonly Fault[];
}

/** Returns the values that a new form begins with: required fields empty, all others left out. */
export function emptyValues(fields: readonly Field[]): FormValues {
  return Object.fromEntries(
    fields.map((field) => [field.name, field.required ? emptyValue(field) : undefined]),
  );
}

/** Returns the value of a field that is given and still empty. */
export function emptyValue(field: Field): FormValue {
  if (field.nullable) return null;
  if (field.kind === "group") return emptyValues(field.fields);
  return field.kind === "list" ? [] : "";
}

/** Returns the values that show `parameters`; null where the form has no place for a part of them. */
export function valuesOf(fields: readonly Field[], parameters: Json): FormValues | null {
  if (!isRecord(parameters)) return null;
  const known = new Set(fields.map((field) => field.name));
  if (Object.keys(parameters).some((name) => !known.has(name))) return null;
  const values: [string, FormValue][] = [];
  for (const field of fields) {
    const given = Object.hasOwn(parameters, field.name) ? parameters[field.name] : undefined;
    const shown = given === undefined ? { value: undefined } : shownValue(field, given);
    if (shown === null) return null;
    values.push([field.name, shown.value]);
  }
  return Object.fromEntries(values);
}

function shownValue(field: Field, given: Json): { readonly value: FormValue } | null {
  if (field.kind === "json") return { value: JSON.stringify(given, null, 2) };
  if (given === null && field.nullable) return { value: null };
  if (field.kind === "group") {
    const value = valuesOf(field.fields, given);
    return value === null ? null : { value };
  }
  if (field.kind === "list") {
    if (!Array.isArray(given)) return null;
    const texts = given.map((item: Json) => shownScalar(field.item, item));
    return texts.every((text) => text !== null) ? { value: texts } : null;
  }
  const text = shownScalar(field, given);
  return text === null ? null : { value: text };
}

function shownScalar(field: ScalarField, given: Json): string | null {
  switch (field.kind) {
    case "text":
      return typeof given === "string" ? given : null;
    case "number":
      return typeof given === "number" ? String(given) : null;
    case "boolean":
      return typeof given === "boolean" ? String(given) : null;
    case "choice":
      return field.values.some((value) => value === given) ? JSON.stringify(given) : null;
  }
}

/** Returns the parameters that the form stands for, and what in it can't be sent. */
export function parametersOf(fields: readonly Field[], values: FormValues, prefix = ""): Parameters {
  const parameters: [string, Json][] = [];
  const faults: Fault[] = [];
  for (const field of fields) {
    const path = prefix === "" ? field.name : `${prefix}.${field.name}`;
    const sent = sentValue(field, values[field.name], path, faults);
    if (sent !== undefined) parameters.push([field.name, sent]);
  }
  return { parameters: Object.fromEntries(parameters), faults };
}

function sentValue(field: Field, value: FormValue, path: string, faults: Fault[]): Json | undefined {
  if (value === undefined) {
    if (field.required) faults.push({ path, message: "is required" });
    return undefined;
  }
  if (value === null) return null;
  if (field.kind === "group") {
    if (typeof value === "string" || isTexts(value)) return undefined;
    const inner = parametersOf(field.fields, value, path);
    faults.push(...inner.faults);
    return inner.parameters;
  }
  if (field.kind === "list") {
    if (!isTexts(value)) return undefined;
    return value.map((text, at) => sentScalar(field.item, text, `${path}[${at}]`, faults));
  }
  if (typeof value !== "string") return undefined;
  if (field.kind === "json") return sentJson(value, path, faults);
  return sentScalar(field, value, path, faults);
}

export function isTexts(value: FormValue): value is readonly string[] {
  return Array.isArray(value);
}

/** Reads JSON that was typed, and says where it is broken. */
export function readJson(text: string): { readonly value: Json } | { readonly broken: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { broken: `is no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function sentJson(text: string, path: string, faults: Fault[]): Json {
  const read = readJson(text);
  if ("value" in read) return read.value;
  faults.push({ path, message: text.trim() === "" ? "is required" : read.broken });
  return null;
}

function sentScalar(field: ScalarField, text: string, path: string, faults: Fault[]): Scalar {
  const fault = (message: string) => {
    faults.push({ path, message });
    return null;
  };
  switch (field.kind) {
    case "text":
      return text;
    case "boolean":
      return text === "true" || text === "false" ? text === "true" : fault("is required");
    case "choice": {
      const chosen = field.values.find((value) => JSON.stringify(value) === text);
      return chosen === undefined ? fault("is required") : chosen;
    }
    case "number": {
      const wrong = faultOfNumber(field, text.trim());
      return wrong === null ? Number(text) : fault(wrong);
    }
  }
}

function faultOfNumber(field: Extract<FieldKind, { kind: "number" }>, text: string): string | null {
  if (text === "") return "is required";
  const number = Number(text);
  // `Number` also reads texts such as 0x10 and Infinity, which are no numbers to JSON.
  if (!/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) || !Number.isFinite(number)) return "must be a number";
  if (field.integer && !Number.isInteger(number)) return "must be a whole number";
  if (Number.isInteger(number) && !Number.isSafeInteger(number))
    return "is too large for a browser to keep exactly";
  const { least, most } = field;
  if (least !== undefined && (number < least.at || (least.open && number === least.at))) {
    return `must be ${least.open ? "above" : "at least"} ${least.at}`;
  }
  if (most !== undefined && (number > most.at || (most.open && number === most.at))) {
    return `must be ${most.open ? "below" : "at most"} ${most.at}`;
  }
  return null;
}
