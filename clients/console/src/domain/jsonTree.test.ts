import { describe, expect, it } from "vitest";
import { type Json, treeOf } from "./jsonTree";

const VALUE: Json = {
  name: "nightly",
  steps: [
    { key: "extract", seconds: 30, done: true },
    { key: "load", seconds: 2.5, done: false, note: null },
  ],
  "odd name": { deep: { deeper: { deepest: "Needle" } } },
  empty: [],
};

const paths = (tree: ReturnType<typeof treeOf>) => tree.lines.map((line) => line.path);

describe("treeOf", () => {
  it("opens the first levels by itself, and the others where somebody turned them", () => {
    const tree = treeOf(VALUE, { most: 100 });
    expect(paths(tree)).toEqual([
      "$",
      "$.name",
      "$.steps",
      "$.steps[0]",
      "$.steps[1]",
      '$["odd name"]',
      '$["odd name"].deep',
      "$.empty",
    ]);
    const turned = treeOf(VALUE, { most: 100, turned: new Set(["$.steps[1]", '$["odd name"]']) });
    expect(paths(turned)).toContain("$.steps[1].note");
    expect(paths(turned)).not.toContain('$["odd name"].deep');
  });

  it("says how large folded values are, and shows scalars as JSON does", () => {
    const text = Object.fromEntries(treeOf(VALUE, { most: 100 }).lines.map((line) => [line.path, line.text]));
    expect(text["$.steps"]).toBe("[2 items]");
    expect(text["$.steps[0]"]).toBe("{3 fields}");
    expect(text["$.name"]).toBe('"nightly"');
  });

  it("finds names and values at any depth, with what they stand in", () => {
    const tree = treeOf(VALUE, { most: 100, search: "needle" });
    expect(tree.matches).toBe(1);
    expect(paths(tree)).toEqual([
      "$",
      '$["odd name"]',
      '$["odd name"].deep',
      '$["odd name"].deep.deeper',
      '$["odd name"].deep.deeper.deepest',
    ]);
    expect(treeOf(VALUE, { most: 100, search: "SECONDS" }).matches).toBe(2);
    expect(treeOf(VALUE, { most: 100, search: "2.5" }).lines.at(-1)?.path).toBe("$.steps[1].seconds");
    expect(paths(treeOf(VALUE, { most: 100, search: "not there" }))).toEqual(["$"]);
  });

  it("makes no more lines than were asked for, of a deep value too", () => {
    const wide = Array.from({ length: 5_000 }, (_, place) => place);
    const tree = treeOf(wide, { most: 50 });
    expect(tree.lines).toHaveLength(50);
    expect(tree.cut).toBe(true);
  });

  it("takes hostile names and texts as data", () => {
    const hostile: Json = JSON.parse('{"__proto__": {"a": 1}, "constructor": "<script>", "x\\u202e": "y"}');
    const tree = treeOf(hostile, { most: 100 });
    expect(tree.lines.map((line) => line.name)).toEqual([null, "__proto__", "a", "constructor", "x\u202e"]);
  });

  it("shortens a text of any length", () => {
    expect(treeOf("x".repeat(10_000), { most: 1 }).lines[0]?.text.length).toBeLessThan(2_100);
  });
});
