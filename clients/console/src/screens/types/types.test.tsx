import { screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, it } from "vitest";
import { showAt } from "../../testing/show";
import { aStatisticsRow, someStatistics } from "../../testing/statistics";

const SLEEP = {
  type: "tidegate.sleep",
  description: "Sleeps.",
  deployed: true,
  second_attempt: true,
  paused: false,
  max_running: 3,
  changes: { paused: null, max_running: { by: "ann", at: "2026-12-01T08:00:00.000Z" } },
};
const ANSWERS = {
  "GET /v1/types": { types: [SLEEP, { ...SLEEP, type: "other", description: null, max_running: null }] },
  "GET /v1/types/tidegate.sleep": { ...SLEEP, parameters_schema: { type: "object", title: "Sleep\u202e" } },
};

it("shows a type with its schema, harmless, and who set its limit", async () => {
  showAt("/types?type=tidegate.sleep", ANSWERS);
  expect(await screen.findByText(/ann,/)).toBeTruthy();
  expect(screen.getByText("a straggler may get one")).toBeTruthy();
  expect(screen.getByRole("region", { name: /JSON Schema/ }).textContent).toContain("Sleep\\u202e");
  expect(screen.getByRole("link", { name: "submit a job of this type" }).getAttribute("href")).toBe(
    "/submit?type=tidegate.sleep",
  );
});

it.each([
  ["none", []],
  ["-", [aStatisticsRow({ type: "(other)" })]],
])("says %s of a type of which no end is told apart", async (said, more) => {
  const hour = { since: "2026-11-29T08:00:00.000Z", ended: 7, succeeded: 7, failed: 0, timed_out: 0 };
  const row = aStatisticsRow({ type: "tidegate.sleep", ended: 7, steps: [hour] });
  showAt("/types", { ...ANSWERS, "GET /v1/stats": someStatistics("type", [row, ...more]) });
  await screen.findByRole("img", { name: "7 jobs ended in 24 hours, 0 of them failed" });
  const other = screen.getAllByRole("row").find((each) => each.textContent?.startsWith("other"));
  expect([...(other?.children ?? [])].map((cell) => cell.textContent)[1]).toBe(said);
});

it("takes a limit off", async () => {
  const { asked } = showAt("/types?type=tidegate.sleep", {
    ...ANSWERS,
    "PUT /v1/types/tidegate.sleep/limit": SLEEP,
  });
  await userEvent.click(await screen.findByRole("button", { name: "Limit" }));
  await userEvent.clear(screen.getByLabelText("at once"));
  await userEvent.click(screen.getByRole("button", { name: "Set the limit" }));
  expect(asked.find(({ method }) => method === "PUT")?.body).toEqual({ max_running: null });
});

it("filters by text, which stays in the address", async () => {
  showAt("/types", ANSWERS);
  await screen.findByText("other");
  await userEvent.type(screen.getByLabelText("part of a name or description"), "sleep");
  expect(screen.queryByText("other")).toBeNull();
  expect(window.location.search).toBe("?q=sleep");
});
