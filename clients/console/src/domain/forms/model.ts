/** Forms made of the JSON Schema of a job type's parameters, as pydantic writes it. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export type Scalar = null | boolean | number | string;

/** The kinds of one value that a field of a line of text, or a choice, can hold. */
export type ScalarField =
  | { readonly kind: "text" }
  | { readonly kind: "number"; readonly integer: boolean; readonly least: Bound; readonly most: Bound }
  | { readonly kind: "boolean" }
  | { readonly kind: "choice"; readonly values: readonly Scalar[] };

/** A bound of a number; undefined where there is none. An open bound does not belong to the range itself. */
export type Bound = { readonly at: number; readonly open: boolean } | undefined;

export type FieldKind =
  | ScalarField
  | { readonly kind: "group"; readonly fields: readonly Field[] }
  | { readonly kind: "list"; readonly item: ScalarField }
  /** Anything that no other field can hold; it is typed as JSON. */
  | { readonly kind: "json" };

export interface FieldWords {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly required: boolean;
  readonly nullable: boolean;
  /** The value that the API takes if the field is left out; undefined where the schema names none. */
  readonly preset: Json | undefined;
}

export type Field = FieldWords & FieldKind;

type Schema = { readonly [name: string]: Json };

// A schema can name itself. Deeper parts are typed as JSON.
const DEEPEST = 4;

export function isRecord(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function isScalar(value: Json): value is Scalar {
  return value === null || typeof value !== "object";
}

/** Returns the fields for an object's schema; null where the schema is no object with named properties. */
export function formOf(schema: Json): readonly Field[] | null {
  if (!isRecord(schema)) return null;
  const { inner } = unwrapped(schema, schema);
  return inner === null || inner.type !== "object" || !isRecord(inner.properties)
    ? null
    : fieldsOf(inner, schema, 0);
}

function fieldsOf(object: Schema, root: Schema, depth: number): readonly Field[] {
  const required = isList(object.required) ? object.required : [];
  const properties = isRecord(object.properties) ? object.properties : {};
  return Object.entries(properties).map(([name, schema]) =>
    fieldOf(name, isRecord(schema) ? schema : {}, required.includes(name), root, depth),
  );
}

function fieldOf(name: string, schema: Schema, required: boolean, root: Schema, depth: number): Field {
  const { inner, nullable } = unwrapped(schema, root);
  const text = (found: Json | undefined) => (typeof found === "string" ? found : "");
  const words: FieldWords = {
    name,
    // Several fields can share a definition, so the title of that would not tell them apart.
    title: text(schema.title) || name,
    description: text(schema.description) || text(inner?.description),
    required,
    nullable,
    preset: schema.default,
  };
  return { ...words, ...(inner === null ? { kind: "json" } : kindOf(inner, root, depth)) };
}

function kindOf(schema: Schema, root: Schema, depth: number): FieldKind {
  const scalar = scalarOf(schema);
  if (scalar !== null) return scalar;
  if (schema.type === "object" && isRecord(schema.properties) && depth < DEEPEST) {
    const fields = fieldsOf(schema, root, depth + 1);
    return fields.length === 0 ? { kind: "json" } : { kind: "group", fields };
  }
  if (schema.type === "array" && isRecord(schema.items) && schema.prefixItems === undefined) {
    const { inner, nullable } = unwrapped(schema.items, root);
    const item = inner === null || nullable ? null : scalarOf(inner);
    if (item !== null) return { kind: "list", item };
  }
  return { kind: "json" };
}

function scalarOf(schema: Schema): ScalarField | null {
  const values = schema.const === undefined ? schema.enum : [schema.const];
  if (isList(values)) return values.every(isScalar) ? { kind: "choice", values } : null;
  // A part that is put together of others has no type that says all of it.
  if (["anyOf", "oneOf", "allOf", "not", "if"].some((key) => key in schema)) return null;
  if (schema.type === "string") return { kind: "text" };
  if (schema.type === "boolean") return { kind: "boolean" };
  if (schema.type === "integer" || schema.type === "number") {
    return {
      kind: "number",
      integer: schema.type === "integer",
      least: boundOf(schema.minimum, schema.exclusiveMinimum),
      most: boundOf(schema.maximum, schema.exclusiveMaximum),
    };
  }
  return null;
}

function boundOf(closed: Json | undefined, open: Json | undefined): Bound {
  if (typeof open === "number") return { at: open, open: true };
  return typeof closed === "number" ? { at: closed, open: false } : undefined;
}

/** Follows references and takes null out of a choice; `inner` is null where no field can hold what is left. */
function unwrapped(
  schema: Schema,
  root: Schema,
): { readonly inner: Schema | null; readonly nullable: boolean } {
  let inner = schema;
  let nullable = false;
  for (let step = 0; step < 20; step += 1) {
    const { $ref: reference, anyOf: any, allOf: all, type } = inner;
    if (typeof reference === "string") {
      const found = lookedUp(reference, root);
      if (found === null) return { inner: null, nullable };
      inner = found;
    } else if (isList(any)) {
      const others = any.filter((each) => !isRecord(each) || each.type !== "null");
      const [only] = others;
      if (others.length !== 1 || !isRecord(only)) return { inner: null, nullable };
      nullable ||= others.length < any.length;
      inner = only;
    } else if (isList(all) && all.length === 1 && isRecord(all[0])) {
      inner = all[0];
    } else if (isList(type)) {
      const others = type.filter((each) => each !== "null");
      const [only] = others;
      if (others.length !== 1 || only === undefined) return { inner: null, nullable };
      nullable ||= others.length < type.length;
      inner = { ...inner, type: only };
    } else {
      return { inner, nullable };
    }
  }
  return { inner: null, nullable };
}

/** Returns the part of the schema that a reference such as `#/$defs/Address` names. */
function lookedUp(reference: string, root: Schema): Schema | null {
  if (!reference.startsWith("#/")) return null;
  let at: Json | undefined = root;
  for (const part of reference.slice(2).split("/")) {
    if (!isRecord(at) || !Object.hasOwn(at, decoded(part))) return null;
    at = at[decoded(part)];
  }
  return isRecord(at) ? at : null;
}

function decoded(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}
