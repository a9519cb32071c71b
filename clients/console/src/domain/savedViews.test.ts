import { expect, it } from "vitest";
import { filtersOf } from "./jobFilters";
import { commonViews, isShown, MOST_VIEWS, viewsIn, whyNotSaved, withoutView, withView } from "./savedViews";

const FILTERS = filtersOf({ state: "FAILED", tag: "team=data", order: "newest" });

it("saves filters under a name, gives the name other ones, and forgets it", () => {
  const saved = withView([], " mine ", FILTERS);
  expect(saved).toEqual([{ name: "mine", address: { state: "FAILED", tag: "team=data", order: "newest" } }]);
  const other = withView(saved, "mine", filtersOf({ pool: "ecs" }));
  expect(other).toEqual([{ name: "mine", address: { pool: "ecs" } }]);
  expect(withoutView(other, "mine")).toEqual([]);
  expect(isShown(saved[0] as (typeof saved)[0], FILTERS)).toBe(true);
  expect(isShown(saved[0] as (typeof saved)[0], filtersOf({ state: "FAILED" }))).toBe(false);
});

it("says why filters can't be saved", () => {
  expect(whyNotSaved([], " ", FILTERS)).toBe("give the view a name");
  expect(whyNotSaved([], "x".repeat(41), FILTERS)).toMatch(/at most 40 letters/);
  expect(whyNotSaved([], "x", filtersOf({ name: "n".repeat(3_000) }))).toMatch(/too long/);
  const full = Array.from({ length: MOST_VIEWS }, (_, place) => ({ name: `v${place}`, address: {} }));
  expect(whyNotSaved(full, "x", FILTERS)).toMatch(/forget one first/);
  expect(whyNotSaved(full, "v3", FILTERS)).toBeNull();
});

it("takes nothing from the store that is no view", () => {
  const stored = JSON.parse(
    JSON.stringify([
      { name: "good", address: { state: "FAILED,NONSENSE", token: "secret", since: "24h", pool: 7 } },
      { name: "good", address: {} },
      { name: "", address: {} },
      { name: 4, address: {} },
      { name: "x", address: null },
      null,
      "view",
    ]),
  );
  expect(viewsIn(stored)).toEqual([{ name: "good", address: { state: "FAILED", since: "24h" } }]);
  expect(viewsIn({ length: 3 })).toEqual([]);
  expect(
    viewsIn(Array.from({ length: 50 }, (_, place) => ({ name: `v${place}`, address: {} }))),
  ).toHaveLength(20);
});

it("has views for everybody, all of whose filters the list knows", () => {
  for (const view of commonViews("arn:aws:iam::1:user/ann")) {
    expect(isShown(view, filtersOf(view.address)), view.name).toBe(true);
    expect(viewsIn([view]), view.name).toEqual([view]);
  }
  expect(commonViews(null).map((view) => view.name)).not.toContain("Mine");
});
