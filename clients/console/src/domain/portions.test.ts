import { expect, it } from "vitest";
import { inPortions, sumOf } from "./portions";

it("follows the cursors until all is done", async () => {
  const cursors: (string | undefined)[] = [];
  const portions = await inPortions(async (cursor) => {
    cursors.push(cursor);
    const complete = cursors.length === 3;
    return { complete, cursor: complete ? null : `after-${cursors.length}`, done: 5 };
  }, 10);
  expect(cursors).toEqual([undefined, "after-1", "after-2"]);
  expect(portions.complete).toBe(true);
  expect(sumOf(portions, (answer) => answer.done)).toBe(15);
});

it("ends after so many portions, and says that something is left", async () => {
  const endless = await inPortions(async () => ({ complete: false, cursor: "on" }), 4);
  expect([endless.answers.length, endless.complete]).toEqual([4, false]);
  expect((await inPortions(async () => ({ complete: false, cursor: null }), 4)).answers.length).toBe(1);
});
