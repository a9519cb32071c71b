import { expect, it } from "vitest";
import { arrivalsOf } from "./arrivals";

const itself = (row: string) => row;

it("keeps new rows back at the top alone", () => {
  expect(arrivalsOf(["e", "d", "c", "b", "a"], new Set(["c", "b"]), itself)).toEqual({
    rows: ["c", "b", "a"],
    waiting: 2,
  });
});

it("shows all where nothing was shown, or none of it is left", () => {
  expect(arrivalsOf(["b", "a"], new Set(), itself)).toEqual({ rows: ["b", "a"], waiting: 0 });
  expect(arrivalsOf(["b"], new Set(["z"]), itself).waiting).toBe(0);
});
