import { expect, it } from "vitest";
import { pathsOf, placed, placeInWorkflow } from "./faults";
import { type Field, formOf, type Json } from "./model";
import { emptyValues, parametersOf, valuesOf } from "./values";

type Draw = (below: number) => number;

/** Small numbers in an order that is the same each time. */
function drawing(seed: number): Draw {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Drawn {
  readonly schema: { readonly [name: string]: Json };
  readonly value: Json;
}

const TEXTS = ["", "a", "two words", "ünï \u202e", "true", "7", 'quo"te'];

function drawScalar(draw: Draw): Drawn {
  switch (draw(5)) {
    case 0:
      return { schema: { type: "string" }, value: TEXTS[draw(TEXTS.length)] as string };
    case 1:
      return { schema: { type: "integer", minimum: -50, maximum: 50 }, value: draw(101) - 50 };
    case 2:
      return { schema: { type: "number", exclusiveMinimum: -1 }, value: draw(1000) / 8 };
    case 3:
      return { schema: { type: "boolean" }, value: draw(2) === 0 };
    default:
      return {
        schema: { enum: ["one", 2, true, null] },
        value: (["one", 2, true, null] as const)[draw(4)] as Json,
      };
  }
}

function drawValue(draw: Draw, depth: number, defs: Record<string, Json>): Drawn {
  const kind = draw(depth > 2 ? 7 : 9);
  if (kind < 4) return drawScalar(draw);
  if (kind === 4) {
    const item = drawScalar(draw);
    return {
      schema: { type: "array", items: item.schema },
      value: Array.from({ length: draw(4) }, () => item.value),
    };
  }
  if (kind === 5) {
    const inner = drawScalar(draw);
    return { schema: { anyOf: [inner.schema, { type: "null" }] }, value: draw(2) === 0 ? null : inner.value };
  }
  if (kind === 6) {
    const values: readonly Json[] = [{ free: [1, { deep: null }] }, 3, "text", [[1], []], null];
    return { schema: {}, value: values[draw(values.length)] as Json };
  }
  const object = drawObject(draw, depth + 1, defs);
  if (kind === 7) return object;
  const name = `Def~/${Object.keys(defs).length}`;
  defs[name] = object.schema;
  return { schema: { $ref: `#/$defs/${name.replace("~", "~0").replace("/", "~1")}` }, value: object.value };
}

function drawObject(draw: Draw, depth: number, defs: Record<string, Json>): Drawn {
  const properties: Record<string, Json> = {};
  const value: Record<string, Json> = {};
  const required: string[] = [];
  for (let place = draw(4) + 1; place > 0; place -= 1) {
    const name = `field_${place}`;
    const drawn = drawValue(draw, depth, defs);
    properties[name] = drawn.schema;
    const isRequired = draw(2) === 0;
    if (isRequired) required.push(name);
    if (isRequired || draw(2) === 0) value[name] = drawn.value;
  }
  return { schema: { type: "object", properties, required, additionalProperties: false }, value };
}

function form(schema: Json): readonly Field[] {
  const fields = formOf(schema);
  if (fields === null) throw new Error("the schema makes no form");
  return fields;
}

it("gives back the parameters that it shows, for drawn schemas", () => {
  for (let seed = 1; seed <= 400; seed += 1) {
    const defs: Record<string, Json> = {};
    const drawn = drawObject(drawing(seed), 0, defs);
    const fields = form({ ...drawn.schema, $defs: defs });
    const values = valuesOf(fields, drawn.value);
    expect(values, `seed ${seed}`).not.toBeNull();
    expect(parametersOf(fields, values ?? {}), `seed ${seed}`).toEqual({
      parameters: drawn.value,
      faults: [],
    });
  }
});

const SCHEMA: Json = {
  type: "object",
  required: ["seconds", "address", "mode"],
  properties: {
    seconds: { type: "number", minimum: 0, maximum: 43_200, title: "Seconds", description: "How long." },
    tries: { type: "integer", exclusiveMaximum: 10, default: 3 },
    note: { anyOf: [{ type: "string" }, { type: "null" }], default: null },
    mode: { enum: ["fast", "safe"] },
    address: { $ref: "#/$defs/Address" },
    sizes: { type: "array", items: { type: "integer" } },
    either: { anyOf: [{ type: "string" }, { type: "integer" }] },
    tree: { $ref: "#/$defs/Tree" },
  },
  $defs: {
    Address: {
      type: "object",
      title: "Address",
      description: "Where.",
      required: ["city"],
      properties: { city: { type: "string" }, zip: { type: "string" } },
    },
    Tree: { type: "object", properties: { left: { $ref: "#/$defs/Tree" } } },
  },
};

it("makes a field of each kind, and falls back to JSON", () => {
  const fields = form(SCHEMA);
  expect(fields.map((field) => [field.name, field.kind, field.required, field.nullable])).toEqual([
    ["seconds", "number", true, false],
    ["tries", "number", false, false],
    ["note", "text", false, true],
    ["mode", "choice", true, false],
    ["address", "group", true, false],
    ["sizes", "list", false, false],
    ["either", "json", false, false],
    ["tree", "group", false, false],
  ]);
  expect(fields[0]).toMatchObject({ title: "Seconds", description: "How long." });
  expect(fields[1]).toMatchObject({ title: "tries", preset: 3 });
  expect(fields[4]).toMatchObject({ title: "address", description: "Where." });
});

it("makes no form of what is no object", () => {
  expect(formOf({ type: "array", items: {} })).toBeNull();
  expect(formOf({ type: "object", additionalProperties: true })).toBeNull();
  expect(formOf({ $ref: "#/$defs/Missing" })).toBeNull();
  expect(formOf({ $ref: "#" })).toBeNull();
  expect(formOf({ type: "object", properties: {} })).toEqual([]);
});

it("leaves optional fields out until they are given", () => {
  const fields = form(SCHEMA);
  const { parameters, faults } = parametersOf(fields, emptyValues(fields));
  expect(parameters).toEqual({ seconds: null, mode: null, address: { city: "" } });
  expect(faults).toEqual([
    { path: "seconds", message: "is required" },
    { path: "mode", message: "is required" },
  ]);
});

it.each([
  ["seconds", "-1", "must be at least 0"],
  ["seconds", "1e9", "must be at most 43200"],
  ["seconds", "0x10", "must be a number"],
  ["seconds", "Infinity", "must be a number"],
  ["tries", "1.5", "must be a whole number"],
  ["tries", "10", "must be below 10"],
  ["tries", "-90071992547409930", "is too large for a browser to keep exactly"],
  ["either", "{", /^is no JSON/],
])("refuses %s = %s", (name, text, message) => {
  const fields = form(SCHEMA).filter((field) => field.name === name);
  const { faults } = parametersOf(fields, { [name]: text });
  expect(faults).toEqual([
    { path: name, message: typeof message === "string" ? message : expect.stringMatching(message) },
  ]);
});

it("names the item of a list that is wrong", () => {
  const { faults } = parametersOf(form(SCHEMA), {
    seconds: "1",
    mode: '"fast"',
    address: { city: "x" },
    sizes: ["1", "b"],
  });
  expect(faults).toEqual([{ path: "sizes[1]", message: "must be a number" }]);
});

it("shows no parameters that it has no place for", () => {
  const fields = form(SCHEMA);
  expect(valuesOf(fields, { seconds: 1, unknown: 2 })).toBeNull();
  expect(valuesOf(fields, { seconds: "1" })).toBeNull();
  expect(valuesOf(fields, { mode: "slow" })).toBeNull();
  expect(valuesOf(fields, [])).toBeNull();
});

it("places errors at their fields, or at the nearest one around", () => {
  const paths = ["type", "parameters", ...pathsOf(form(SCHEMA), "parameters")];
  const at = placed(
    [
      { field: "parameters.seconds", message: "too long" },
      { field: "parameters.sizes[3]", message: "no number" },
      { field: "parameters.address.city", message: "too short" },
      { field: "parameters.unheard", message: "unknown" },
      { field: "type", message: "unknown type" },
      { field: "type", message: "really" },
      { field: "share", message: "no such share" },
    ],
    paths,
  );
  expect(Object.fromEntries(at)).toEqual({
    "parameters.seconds": ["too long"],
    "parameters.sizes": ["[3]: no number"],
    "parameters.address.city": ["too short"],
    parameters: ["unheard: unknown"],
    type: ["unknown type", "really"],
  });
});

it("names the job of a workflow that an error is about", () => {
  const keys = ["extract", null];
  expect(placeInWorkflow({ field: "jobs[0].priority", message: "" }, keys)).toBe("job extract, priority");
  expect(placeInWorkflow({ field: "jobs[1].depends_on[0]", message: "" }, keys)).toBe(
    "job number 2, depends_on[0]",
  );
  expect(placeInWorkflow({ field: "jobs[0]", message: "" }, keys)).toBe("job extract");
  expect(placeInWorkflow({ field: "name", message: "" }, keys)).toBe("name");
  expect(placeInWorkflow({ field: "", message: "" }, keys)).toBe("the whole workflow");
});
