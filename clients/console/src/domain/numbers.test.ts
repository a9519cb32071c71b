import { expect, it } from "vitest";
import { wholeNumber } from "./numbers";

it("reads whole numbers, and nothing else", () => {
  expect(wholeNumber("weight", " 12 ")).toBe(12);
  expect(wholeNumber("weight", " ")).toBeNull();
  for (const text of ["1.5", "-1", "0x10", "many", "99999999999999999999"]) {
    expect(() => wholeNumber("weight", text), text).toThrow("weight: must be a whole number");
  }
});
