import { expect, it } from "vitest";
import { toType, typedTime } from "./zoned";

it("reads a time in the zone of the page", () => {
  expect(typedTime("2026-12-01 06:00", "UTC")).toBe("2026-12-01T06:00:00.000Z");
  expect(typedTime("2026-12-01T06:00:30", "Asia/Tokyo")).toBe("2026-11-30T21:00:30.000Z");
  expect(typedTime("2026-12-01", "Europe/Berlin")).toBe("2026-11-30T23:00:00.000Z");
  expect(typedTime("2026-07-01 06:00", "Europe/Berlin")).toBe("2026-07-01T04:00:00.000Z");
});

it("knows the hours that a change of the clocks leaves out or shows twice", () => {
  expect(typedTime("2026-03-29 02:30", "Europe/Berlin")).toBeNull();
  expect(typedTime("2026-10-25 02:30", "Europe/Berlin")).toBe("2026-10-25T00:30:00.000Z");
});

it("comes back as it was", () => {
  for (const zone of ["UTC", "America/St_Johns", "Pacific/Kiritimati", "Asia/Kathmandu"]) {
    const iso = "2026-12-01T23:30:05.000Z";
    expect(typedTime(toType(iso, zone), zone)).toBe(iso);
  }
});

it("refuses what is no time", () => {
  for (const text of ["", "soon", "2026-13-01 00:00", "2026-12-01 25:00", "2026-02-30"]) {
    expect(typedTime(text, "UTC"), text).toBeNull();
  }
});
