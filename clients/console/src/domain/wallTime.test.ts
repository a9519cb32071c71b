import { expect, it } from "vitest";
import { instantOf, wallOf } from "./wallTime";

it.each(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"])("goes there and back in %s", (zone) => {
  for (const wall of ["2026-03-29T12:30", "2026-07-01T00:00", "2026-10-25T23:59", "2026-12-31T23:00"]) {
    const instant = instantOf(wall, zone) ?? "";
    expect(wallOf(instant, zone)).toBe(wall);
  }
});

it("knows summer from winter", () => {
  expect(instantOf("2026-07-01T06:00", "Europe/Berlin")).toBe("2026-07-01T04:00:00.000Z");
  expect(instantOf("2026-12-01T06:00", "Europe/Berlin")).toBe("2026-12-01T05:00:00.000Z");
});

it("reads nothing from what is no time", () => {
  expect(instantOf("", "UTC")).toBeNull();
  expect(instantOf("2026-13-01T06:00", "UTC")).toBeNull();
  expect(wallOf("yesterday", "UTC")).toBe("");
});
