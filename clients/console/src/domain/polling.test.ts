import { expect, it } from "vitest";
import { BUSY_MS, IDLE_MS, MOST_MS, nextPollMs } from "./polling";

it("asks often while something moves, and seldom otherwise", () => {
  expect(nextPollMs(true, 0)).toBe(BUSY_MS);
  expect(nextPollMs(false, 0)).toBe(IDLE_MS);
});

it("asks less and less after errors, and never gives up", () => {
  const waits = [1, 2, 3, 4, 5, 20].map((failures) => nextPollMs(true, failures));
  expect(waits).toEqual([...waits].sort((one, other) => one - other));
  expect(waits.at(-1)).toBe(MOST_MS);
});
