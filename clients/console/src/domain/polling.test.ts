import { expect, it } from "vitest";
import { BUSY_MS, IDLE_MS, MOST_MS, nextPollMs, nextReading, type Reading, turnMs } from "./polling";

const LEAD: Reading = {
  leads: true,
  everyMs: 0,
  moves: true,
  readAtMs: 0,
  changedAtMs: 0,
  failures: 0,
};
const FOLLOWER: Reading = { ...LEAD, leads: false, everyMs: 30_000, moves: false };

it("asks less and less after errors, and never gives up", () => {
  const waits = [1, 2, 3, 4, 5, 20].map((failures) => nextPollMs(true, failures));
  expect(waits).toEqual([...waits].sort((one, other) => one - other));
  expect(waits.at(-1)).toBe(MOST_MS);
});

it("takes turns often while something moves, and seldom otherwise", () => {
  expect(turnMs([FOLLOWER, LEAD])).toBe(BUSY_MS);
  expect(turnMs([FOLLOWER, { ...LEAD, moves: false }])).toBe(IDLE_MS);
});

it("gives what leads every turn while nothing changes", () => {
  const readings = [{ ...FOLLOWER, readAtMs: 60_000 }, LEAD];
  expect(nextReading(readings, true, 100_000)).toBe(1);
});

it("gives what follows a turn after a change, and what leads the one after it", () => {
  const readings = [
    { ...FOLLOWER, readAtMs: 60_000 },
    { ...LEAD, changedAtMs: 95_000 },
  ];
  expect(nextReading(readings, true, 100_000)).toBe(0);
  expect(nextReading(readings, false, 100_000)).toBe(1);
});

it("gives the turn to the reading that is the latest against its own pace", () => {
  const changed = { ...LEAD, changedAtMs: 99_000 };
  const seldom = { ...FOLLOWER, everyMs: 60_000, readAtMs: 20_000 };
  const often = { ...FOLLOWER, everyMs: 10_000, readAtMs: 80_000 };
  expect(nextReading([changed, seldom, often], true, 100_000)).toBe(2);
});

it("reads what follows seldom while nothing changes, for not all changes show in what leads", () => {
  expect(nextReading([{ ...FOLLOWER, readAtMs: 1_000 }, LEAD], true, 121_000)).toBe(0);
});

it("reads what is steady at its own pace, whatever leads", () => {
  const steady = { ...FOLLOWER, isSteady: true };
  const changed = { ...LEAD, changedAtMs: 28_000 };
  for (const lead of [LEAD, changed]) {
    expect(nextReading([steady, lead], true, 29_000)).toBe(1);
    expect(nextReading([steady, lead], true, 30_000)).toBe(0);
  }
});

it("takes turns among several that lead, and passes by the one that has just failed", () => {
  const one = { ...LEAD, readAtMs: 95_000 };
  const other = { ...LEAD, readAtMs: 90_000 };
  expect(nextReading([one, other], true, 100_000)).toBe(1);
  expect(nextReading([one, { ...other, failures: 2 }], true, 100_000)).toBe(0);
  expect(nextReading([{ ...one, failures: 1 }], true, 100_000)).toBeNull();
});
