import { expect, it } from "vitest";
import { instantOf, localOf } from "./wallClock";

it("reads a time in the zone of the page", () => {
  expect(instantOf("2026-12-01T08:00", "UTC")).toBe("2026-12-01T08:00:00.000Z");
  expect(instantOf("2026-12-01T08:00", "Europe/Berlin")).toBe("2026-12-01T07:00:00.000Z");
  expect(instantOf("2026-07-01 08:00:30", "America/New_York")).toBe("2026-07-01T12:00:30.000Z");
  expect(instantOf("2026-12-01T08:00", "Asia/Kathmandu")).toBe("2026-12-01T02:15:00.000Z");
});

it("refuses what no clock shows, and takes the first of two", () => {
  expect(instantOf("2026-03-29T02:30", "Europe/Berlin")).toBeNull();
  expect(instantOf("2026-10-25T02:30", "Europe/Berlin")).toBe("2026-10-25T00:30:00.000Z");
  expect(instantOf("soon", "UTC")).toBeNull();
  expect(instantOf("2026-13-01T00:00", "UTC")).toBeNull();
});

it("writes what it reads", () => {
  for (const zone of ["UTC", "Europe/Berlin", "Pacific/Auckland"]) {
    for (const at of ["2026-01-01T00:00:00.000Z", "2026-06-15T23:59:59.000Z"]) {
      expect(instantOf(localOf(at, zone), zone)).toBe(at);
    }
  }
});
