import { expect, it } from "vitest";
import { counted, wholeNumber } from "./numbers";

it("reads whole numbers, and nothing else", () => {
  expect(wholeNumber("weight", " 12 ")).toBe(12);
  expect(wholeNumber("weight", " ")).toBeNull();
  for (const text of ["1.5", "-1", "0x10", "many", "99999999999999999999"]) {
    expect(() => wholeNumber("weight", text), text).toThrow("weight: must be a whole number");
  }
});

it("has the word that belongs to a count", () => {
  expect(counted(0, "job")).toBe("0 jobs");
  expect(counted(1, "job")).toBe("1 job");
  expect(counted(2_000, "dependency", "dependencies")).toBe("2,000 dependencies");
});
