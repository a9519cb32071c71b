import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Json } from "../../domain/forms/model";
import { lineOf, offsetOf } from "../../domain/forms/spots";
import { type Read, readText } from "./readText";

function read(text: string): unknown {
  const found = readText(text);
  if ("broken" in found) throw new Error(found.broken);
  return found.value;
}

function brokenAt(text: string): string {
  const found: Read = readText(text);
  if (!("broken" in found)) return `no error: ${JSON.stringify(found.value)}`;
  const place = found.at === null ? null : lineOf(text, found.at);
  return place === null ? found.broken : `${place.line}:${place.column} ${found.broken}`;
}

it("reads YAML by the core schema, so that words and dates stay texts", () => {
  expect(
    read(
      [
        "name: nightly # a comment",
        "no: no",
        "day: 2026-12-01",
        'quoted: "12"',
        "numbers: [1, -2, 0x1f, 0o17, 1.5, .5, 1e3, +4]",
        "none: [~, null, ]",
        "empty:",
        "yes: true",
        "tagged: !!str 12",
        "__proto__: {a: 1}",
        "text: |",
        "  one",
        "  two",
      ].join("\n"),
    ),
  ).toEqual(
    JSON.parse(
      '{"name":"nightly","no":"no","day":"2026-12-01","quoted":"12","numbers":[1,-2,31,15,1.5,0.5,1000,4],' +
        '"none":[null,null],"empty":null,"yes":true,"tagged":"12","__proto__":{"a":1},"text":"one\\ntwo\\n"}',
    ),
  );
});

it("reads JSON, with tabs and in one line too", () => {
  const value = {
    jobs: [{ key: "a", type: "t", parameters: { x: [1.5, null, "a\u2028b", "\ud83d\ude00"] } }],
  };
  expect(read(JSON.stringify(value))).toEqual(value);
  expect(read(JSON.stringify(value, null, "\t"))).toEqual(value);
  expect(read("{}")).toEqual({});
});

it("names the line and the column of what is broken", () => {
  expect(brokenAt("a: 1\nb: [1, 2\nc: 3")).toMatch(/^3:1 is not YAML/);
  expect(brokenAt("a:\n\t- b")).toMatch(/^2:1 is not YAML: .*tab/);
  expect(brokenAt('{\n  "a": 1\n  "b": 2\n}')).toMatch(/^3:3 is not JSON/);
  expect(brokenAt("a: 1\nb: 2\na: 3")).toBe('3:1 an object has "a" twice');
  expect(brokenAt('{"a": 1, "a": 2}')).toBe('1:11 an object has "a" twice');
  expect(brokenAt("a: 012")).toMatch(/^1:4 012 may be a number or a text/);
  expect(brokenAt("a: .inf")).toBe("1:4 .inf is not a number in JSON");
  expect(brokenAt("a: 1e400")).toMatch(/^1:4 1e400 is too large/);
  expect(brokenAt("a: 12345678901234567890")).toMatch(
    /^1:4 a browser can't send 12345678901234567890 exactly/,
  );
  expect(brokenAt("1: a")).toMatch(/^1:1 a name in an object must be text/);
  expect(brokenAt("? [a]\n: b")).toMatch(/^1:3 a name in an object must be text/);
  expect(brokenAt("a: &x {b: 1}\nc:\n  <<: *x")).toMatch(/^3:3 << merges/);
  expect(brokenAt("a: !!binary abc")).toMatch(/the tag !!binary is not supported/);
  expect(brokenAt("a: 1\n---\nb: 2")).toMatch(/second document/);
  expect(brokenAt("a: &x [*x]")).toMatch(/\*x refers to no value/);
  expect(brokenAt("# nothing")).toMatch(/is empty/);
  expect(brokenAt("[".repeat(300))).toMatch(/is not JSON/);
  expect(brokenAt(`a: ${"[".repeat(300)}${"]".repeat(300)}`)).toMatch(/nest|deep/i);
});

it("writes aliases out, and refuses those that grow without measure", () => {
  expect(read("a: &x {b: [1]}\nc: *x")).toEqual({ a: { b: [1] }, c: { b: [1] } });
  const bomb = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"];
  for (let place = 1; place < 10; place++) {
    bomb.push(
      `a${place}: &a${place} [${Array(10)
        .fill(`*a${place - 1}`)
        .join(", ")}]`,
    );
  }
  expect(brokenAt(bomb.join("\n"))).toMatch(/^7:\d+ aliases make it too large/);
});

it("knows where each value stands", () => {
  const text = ["jobs:", "  - key: a", "    type: t", "  - {key: b, depends_on: [{key: a}, {key: c}]}"].join(
    "\n",
  );
  const found = readText(text);
  if ("broken" in found) throw new Error(found.broken);
  const at = (path: string) => {
    const { line, column } = lineOf(text, offsetOf(found.spot, path));
    return `${line}:${column}`;
  };
  expect(at("jobs[0].type")).toBe("3:11");
  expect(at("jobs[1].depends_on[1].key")).toBe("4:43");
  expect(at("jobs[1].type")).toBe("4:5");
  expect(at("")).toBe("1:1");
});

it("reads and refuses the same texts as the command line", () => {
  const file = join(import.meta.dirname, "../../../../../tests/cli/structured_texts.json");
  const cases = JSON.parse(readFileSync(file, "utf8")) as { name: string; text: string; value?: Json }[];
  expect(cases.length).toBeGreaterThan(30);
  const answers = cases.map(({ name, text }) => {
    const found = readText(text);
    return "broken" in found ? [name, "refused"] : [name, found.value];
  });
  expect(answers).toEqual(cases.map((each) => [each.name, "value" in each ? each.value : "refused"]));
});
