import { screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, it } from "vitest";
import { faultsOf } from "../../testing/axe";
import { refusal, showAt } from "../../testing/show";

function row(place: number, state = "FAILED") {
  return {
    state,
    counts: { SUCCEEDED: 5, FAILED: 2 },
    started_at: "2026-11-29T10:00:00.000Z",
    ended_at: "2026-11-29T10:03:20.000Z",
    critical_path_seconds: 90,
    workflow_id: `0000000000000000000000000${place}`,
    name: `nightly\u202e-${place}`,
    created_at: "2026-11-29T09:59:00.000Z",
    submitted_by: "arn:aws:iam::123456789012:user/ann",
    tags: {},
    job_count: 7,
  };
}

const PAGE = {
  workflows: [row(2), row(1)],
  looked_at: 40,
  looked_back_to: "2026-11-28T00:00:00.000Z",
  cursor: "further",
};

it("lists workflows with their states, how long they took, and how far it looked", async () => {
  showAt("/workflows", { "GET /v1/workflows": PAGE });
  const grid = await screen.findByRole("grid", { name: "workflows, newest first" });
  const first = within(grid).getAllByRole("row")[1] ?? grid;
  expect(first.textContent).toContain("FAILED");
  expect(first.textContent).toContain("nightly\\u202e-2");
  expect(first.textContent).toContain("3 min 20 s");
  expect(within(first).getByRole("img").getAttribute("aria-label")).toBe("2 FAILED, 5 SUCCEEDED");
  expect(screen.getByText(/2 shown of 40 looked at/).textContent).toContain("2026-11-28 00:00:00 UTC");
  expect(await faultsOf(screen.getByRole("main"))).toEqual([]);
});

it("keeps the filters and the page in the address", async () => {
  const { asked } = showAt("/workflows?state=RUNNING,NONSENSE&name=night", { "GET /v1/workflows": PAGE });
  await screen.findByRole("grid");
  expect(asked.map(({ call }) => call)).toContain("GET /v1/workflows?state=RUNNING&name=night&limit=100");
  const user = userEvent.setup();
  await user.click(screen.getByRole("button", { name: "HELD" }));
  await waitFor(() => expect(window.location.search).toContain("RUNNING%2CHELD"));
  await user.type(screen.getByLabelText("tag, as name=value"), "team=data{Enter}");
  await waitFor(() =>
    expect(asked.at(-1)?.call).toBe(
      "GET /v1/workflows?state=RUNNING%2CHELD&name=night&tag=team%3Ddata&limit=100",
    ),
  );
  await user.click(screen.getByRole("button", { name: "Look further back" }));
  await waitFor(() => expect(asked.at(-1)?.call).toContain("cursor=further"));
  window.history.back();
  await waitFor(() => expect(window.location.search).not.toContain("cursor"));
});

it("lets new workflows wait until they are called", async () => {
  let rows = [row(1)];
  showAt("/workflows", { "GET /v1/workflows": () => ({ ...PAGE, workflows: rows }) });
  await screen.findByText("nightly\\u202e-1");
  rows = [row(2), row(1)];
  // The list is read again when the window comes back, as it is after some seconds.
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  window.dispatchEvent(new Event("visibilitychange"));
  await screen.findByText("1 new");
  expect(screen.queryByText("nightly\\u202e-2")).toBeNull();
  await userEvent.setup().click(screen.getByRole("button", { name: "Show" }));
  expect(screen.getByText("nightly\\u202e-2")).toBeDefined();
});

it("says the next command where there is nothing, and the refusal where the API refuses", async () => {
  showAt("/workflows", { "GET /v1/workflows": { ...PAGE, workflows: [], looked_at: 0, cursor: null } });
  await screen.findByText("tidegate submit examples/workflow.json");
  document.body.replaceChildren();
  showAt("/workflows?tag=x", {
    "GET /v1/workflows": refusal(422, "invalid-request", [], "tag is name=value"),
  });
  await screen.findByText("tag is name=value");
});
