import { describe, expect, it } from "vitest";
import { durationText, isZone, relativeText, secondsBetween, timeText, toldIn, zoneName } from "./times";

describe("durationText", () => {
  it.each([
    [0.348, "0.35 s"],
    [9.999, "10 s"],
    [12.4, "12 s"],
    [59.6, "1 min"],
    [200, "3 min 20 s"],
    [7_500, "2 h 5 min"],
    [273_600, "3 d 4 h"],
    [86_400, "1 d"],
  ])("shows %s seconds as %s", (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });
});

describe("timeText", () => {
  const at = "2026-12-01T23:30:05.123Z";

  it("shows a time in the zone that was chosen", () => {
    expect(timeText(at, "UTC")).toBe("2026-12-01 23:30:05");
    expect(timeText(at, "Asia/Tokyo")).toBe("2026-12-02 08:30:05");
  });

  it("shows midnight as hour 0", () => {
    expect(timeText("2026-12-01T00:00:00Z", "UTC")).toBe("2026-12-01 00:00:00");
  });
});

it("knows which zones the browser knows", () => {
  expect(isZone("Europe/Berlin")).toBe(true);
  expect(isZone("Mars/Base")).toBe(false);
  expect(zoneName("local")).not.toBe("local");
});

it("says how long ago a time is, or how far ahead", () => {
  const nowMs = Date.parse("2026-12-01T00:01:00Z");
  expect(relativeText("2026-12-01T00:00:00Z", nowMs)).toBe("1 min ago");
  expect(relativeText("2026-12-01T02:01:00Z", nowMs)).toBe("in 2 h");
  // The page's clock steps every five seconds, so an end that was just read may lie behind its next step.
  expect(relativeText("2026-12-01T00:01:03.250Z", nowMs)).toBe("now");
  expect(relativeText("2026-12-01T00:01:06Z", nowMs)).toBe("in 6 s");
});

it("has no duration where a time is not known", () => {
  expect(secondsBetween(null, "2026-12-01T00:00:00Z")).toBeNull();
  expect(secondsBetween("2026-12-01T00:00:00Z", "2026-12-01T00:00:01.500Z")).toBe(1.5);
});

it("tells the times of a sentence in the zone, and leaves what is no time", () => {
  expect(toldIn("It waits until 2026-12-01T06:00:00Z.", "Asia/Kathmandu")).toBe(
    "It waits until 2026-12-01 11:45:00 Asia/Kathmandu.",
  );
  expect(toldIn("from 2026-12-01T06:00:00.123Z to 9999-99-99T99:99:99Z", "UTC")).toBe(
    "from 2026-12-01 06:00:00 UTC to 9999-99-99T99:99:99Z",
  );
});
