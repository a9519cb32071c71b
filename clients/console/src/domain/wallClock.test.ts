import { expect, it } from "vitest";
import { instantOf, wallOf } from "./wallClock";

it.each([
  ["2026-12-01T08:00", "UTC", "2026-12-01T08:00:00.000Z"],
  ["2026-12-01T08:00", "Europe/Berlin", "2026-12-01T07:00:00.000Z"],
  ["2026-07-01T06:00", "Europe/Berlin", "2026-07-01T04:00:00.000Z"],
  ["2026-07-01 08:00:30", "America/New_York", "2026-07-01T12:00:30.000Z"],
  ["2026-12-01T06:00:30", "Asia/Tokyo", "2026-11-30T21:00:30.000Z"],
  ["2026-12-01T08:00", "Asia/Kathmandu", "2026-12-01T02:15:00.000Z"],
  [" 2026-12-01 ", "Europe/Berlin", "2026-11-30T23:00:00.000Z"],
])("reads %s in %s", (wall, zone, instant) => {
  expect(instantOf(wall, zone)).toBe(instant);
});

it("refuses an hour that clocks skip, and takes the first of two", () => {
  expect(instantOf("2026-03-29T02:30", "Europe/Berlin")).toBeNull();
  expect(instantOf("2026-10-25T02:30", "Europe/Berlin")).toBe("2026-10-25T00:30:00.000Z");
});

it.each(["", "soon", "2026-13-01T00:00", "2026-12-01 25:00", "2026-02-30"])("refuses %j", (text) => {
  expect(instantOf(text, "UTC")).toBeNull();
});

it.each(["UTC", "Europe/Berlin", "Pacific/Auckland", "America/St_Johns", "Asia/Kathmandu"])(
  "writes what it reads in %s",
  (zone) => {
    for (const at of ["2026-01-01T00:00:00.000Z", "2026-06-15T23:59:59.000Z", "2026-12-01T23:30:05.000Z"]) {
      expect(instantOf(wallOf(at, zone), zone)).toBe(at);
    }
    expect(wallOf("yesterday", zone)).toBe("");
  },
);
