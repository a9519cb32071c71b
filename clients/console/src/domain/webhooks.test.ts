import { expect, it } from "vitest";
import { EVENT_TYPES, namesOf, tagsOf, wantedText } from "./webhooks";

const ALL = { events: EVENT_TYPES, types: [], pools: [], states: [], tags: {} };

it("says which events a webhook wants", () => {
  expect(wantedText(ALL)).toBe("all events");
  expect(
    wantedText({ ...ALL, events: ["job.ended"], states: ["FAILED", "TIMED_OUT"], tags: { team: "data" } }),
  ).toBe("job.ended, state FAILED or TIMED_OUT, tag team:data");
});

it("reads names and tags as they are typed", () => {
  expect(namesOf(" load, ,report ")).toEqual(["load", "report"]);
  expect(tagsOf("team:data, at:06:00")).toEqual({ team: "data", at: "06:00" });
  expect(() => tagsOf("team")).toThrow("tags: write team as name:value");
});
