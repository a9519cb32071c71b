import { expect, it } from "vitest";
import { countText, gaugeOf, isBusy, isUnsettled, slotsOf, total } from "./gauges";

const of = (count: number, more = false) => ({ count, more });

it("says where there are more than were counted", () => {
  expect(countText(of(1000, true))).toBe("1,000+");
  expect(countText(of(12))).toBe("12");
  expect(total([of(1000, true), of(2)])).toEqual(of(1002, true));
  expect(total([])).toEqual(of(0));
});

it("fills a gauge no further than to its end", () => {
  expect(gaugeOf({ active: of(3), capacity: 12 })).toEqual({ filled: 0.25, text: "3 active of 12" });
  expect(gaugeOf({ active: of(24), capacity: 12 }).filled).toBe(1);
});

it("tells a pool without capacity from an idle one", () => {
  expect(gaugeOf({ active: of(0), capacity: 0 })).toEqual({ filled: 0, text: "0 active, no capacity" });
  expect(gaugeOf({ active: of(2), capacity: 0 }).filled).toBe(1);
});

it("takes jobs that nobody can run for no movement", () => {
  const idle = { capacity: 0, active: of(0), ready: of(5), held: of(0) };
  expect(isBusy([idle])).toBe(false);
  expect(isBusy([idle, { ...idle, capacity: 2 }])).toBe(true);
  expect(isBusy([{ ...idle, active: of(1) }])).toBe(true);
});

it("draws each slot once, and counts what it does not draw", () => {
  expect(slotsOf({ slots: 8, running: 3 }, 40)).toEqual({ taken: 3, free: 5, notDrawn: 0 });
  expect(slotsOf({ slots: 100, running: 60 }, 40)).toEqual({ taken: 40, free: 0, notDrawn: 60 });
  // A draining worker offers no slot, and still runs what it has.
  expect(slotsOf({ slots: 0, running: 2 }, 40)).toEqual({ taken: 2, free: 0, notDrawn: 0 });
});

it("knows which workers may be in another state soon", () => {
  const idle = { state: "ACTIVE", live: true, running: 0, drain_requested_at: null };
  expect(isUnsettled(idle)).toBe(false);
  expect(isUnsettled({ ...idle, running: 1 })).toBe(true);
  expect(isUnsettled({ ...idle, live: false })).toBe(true);
  expect(isUnsettled({ ...idle, drain_requested_at: "2026-11-29T10:00:00Z" })).toBe(true);
  expect(isUnsettled({ ...idle, state: "DRAINING" })).toBe(true);
  expect(isUnsettled({ ...idle, state: "LOST", live: false, running: 3 })).toBe(false);
});
