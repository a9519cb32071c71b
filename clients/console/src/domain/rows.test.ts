import { describe, expect, it } from "vitest";
import { compareFirstPage, rangeOf } from "./rows";

it("takes the rows between two, in either direction", () => {
  expect(rangeOf(["a", "b", "c", "d"], "b", "d")).toEqual(["b", "c", "d"]);
  expect(rangeOf(["a", "b", "c", "d"], "d", "b")).toEqual(["b", "c", "d"]);
  expect(rangeOf(["a", "b"], "gone", "b")).toEqual(["b"]);
  expect(rangeOf(["a", "b"], null, "a")).toEqual(["a"]);
});

describe("compareFirstPage", () => {
  const known = new Set(["a", "b", "c", "d"]);

  it("counts new rows, and not the rows that they pushed away", () => {
    expect(compareFirstPage(["a", "b", "c"], ["x", "y", "a"], known)).toEqual({ fresh: 2, gone: 0 });
  });

  it("counts rows that no longer fit", () => {
    expect(compareFirstPage(["a", "b", "c"], ["b", "c", "d"], known)).toEqual({ fresh: 0, gone: 1 });
    expect(compareFirstPage(["a", "b"], ["a", "b"], known)).toEqual({ fresh: 0, gone: 0 });
  });
});
