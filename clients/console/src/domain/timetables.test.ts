import { expect, it } from "vitest";
import { monthsOf, recurrenceText } from "./timetables";

it.each([
  [{ cron: "0 6 * * *", zone: "Europe/Berlin", every_seconds: null }, "0 6 * * * in Europe/Berlin"],
  [{ cron: null, zone: null, every_seconds: 5_400 }, "every 1 h 30 min"],
])("says when the runs are due", (recurrence, said) => {
  expect(recurrenceText(recurrence)).toBe(said);
});

it("puts times into months whose weeks begin on Monday", () => {
  const [december, february, ...others] = monthsOf(
    [
      "2026-12-01T06:00:00+01:00",
      "2026-12-01T18:30:00+01:00",
      "2027-02-28T06:00:00+01:00",
      "2027-03-01T06:00:00+01:00",
    ],
    2,
  );
  expect(others).toEqual([]);
  expect(december?.title).toBe("December 2026");
  expect(december?.weeks).toHaveLength(5);
  expect(december?.weeks[0]?.slice(0, 2)).toEqual([null, { day: 1, times: ["06:00", "18:30"] }]);
  expect(december?.weeks.flat().filter((day) => day !== null)).toHaveLength(31);
  expect(february?.weeks).toHaveLength(4);
  expect(february?.weeks[3]?.[6]).toEqual({ day: 28, times: ["06:00"] });
});

it("makes no month without a time", () => {
  expect(monthsOf([], 3)).toEqual([]);
});
