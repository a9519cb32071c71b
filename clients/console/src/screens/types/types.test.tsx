import { screen } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, it } from "vitest";
import { showAt } from "../../testing/show";

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
