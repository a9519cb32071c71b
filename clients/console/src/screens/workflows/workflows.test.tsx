import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, it } from "vitest";
import { faultsOf } from "../../testing/axe";
import { type Asked, refusal, showAt } from "../../testing/show";

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
    forecast: null,
    finish_by: null,
    judgement: null,
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

it("shows what is known about times to finish by, and asks for one verdict", async () => {
  const judged = {
    ...row(2, "RUNNING"),
    ended_at: null,
    finish_by: "2026-11-29T12:00:00.000Z",
    judgement: { verdict: "at-risk", probability: 0.283, judged_at: "2026-11-29T10:30:00.000Z" },
  };
  const unjudged = { ...row(3, "RUNNING"), ended_at: null, finish_by: "2026-11-30T12:00:00.000Z" };
  const { asked } = showAt("/workflows?verdict=at-risk", {
    "GET /v1/workflows": { ...PAGE, workflows: [unjudged, judged, row(1)] },
  });
  const mark = (await screen.findByText("at risk", { selector: "[role=gridcell] *" })).closest("[title]");
  expect(mark?.getAttribute("title")).toContain("2026-11-29 12:00:00");
  expect(mark?.getAttribute("title")).toContain("28 %");
  expect(screen.getByTitle(/^2026-11-30 12:00:00/)).toBeDefined();
  expect(asked[0]?.call).toContain("verdict=at-risk");
  const choice = screen.getByRole("combobox", { name: "time to finish by" });
  await userEvent.setup().selectOptions(choice, "missed");
  await waitFor(() => expect(asked.at(-1)?.call).toContain("verdict=missed"));
  expect(await faultsOf(screen.getByRole("main"))).toEqual([]);
});

it("forecasts when workflows end, when somebody asks", async () => {
  const inAnHour = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
  const running = (place: number) => ({ ...row(place, "RUNNING"), ended_at: null });
  const end = { median: inAnHour(60.5), low: inAnHour(40), high: inAnHour(90) };
  const plain = { ...PAGE, forecast: null, workflows: [running(3), running(2), running(1)] };
  const { asked } = showAt("/workflows?state=RUNNING", {
    "GET /v1/workflows": (call: Asked) =>
      call.call.includes("forecast=true")
        ? {
            ...plain,
            workflows: [
              { ...running(3), forecast: { end } },
              { ...running(2), forecast: { end: null } },
              { ...running(1), forecast: null },
            ],
            forecast: {
              asked_at: inAnHour(0),
              left_out: 1,
              coverage: 0.9,
              draws: 20,
              notes: [{ code: "pool-paused", message: "Pool p is paused." }],
            },
          }
        : plain,
  });
  await screen.findByRole("grid");
  expect(asked.some(({ call }) => call.includes("forecast"))).toBe(false);
  await userEvent.setup().click(screen.getByRole("button", { name: "Forecast when they end" }));
  expect((await screen.findByText("in 1 h")).getAttribute("title")).toContain("in most cases between");
  expect(screen.getByText("not as things stand")).toBeDefined();
  const told = screen.getByText(/1 workflow left out/).textContent;
  expect(told).toContain("Pool p is paused.");
  expect(screen.getByRole("button", { name: "Forecast again" })).toBeDefined();
  expect(await faultsOf(screen.getByRole("main"))).toEqual([]);
});

it("asks for a forecast again by each click, and by nothing else", async () => {
  const told = { asked_at: new Date().toISOString(), left_out: 0, coverage: 0.9, draws: 20, notes: [] };
  const { asked, queries } = showAt("/workflows", {
    "GET /v1/workflows": (call: Asked) => ({
      ...PAGE,
      forecast: call.call.includes("forecast=true") ? told : null,
    }),
  });
  const forecasts = () => asked.filter(({ call }) => call.includes("forecast=true")).length;
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "Forecast when they end" }));
  await screen.findByRole("button", { name: "Forecast again" });
  // An act makes all that was read stale.
  await act(() => queries.invalidateQueries());
  expect(forecasts()).toBe(1);
  await user.click(await screen.findByText("nightly\\u202e-1"));
  await waitFor(() => expect(screen.queryByRole("grid", { name: "workflows, newest first" })).toBeNull());
  act(() => window.history.back());
  await user.click(await screen.findByRole("button", { name: "Forecast again" }));
  await waitFor(() => expect(forecasts()).toBe(2));
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
  const pill = await screen.findByRole("button", { name: "1 new: show" });
  expect(screen.queryByText("nightly\\u202e-2")).toBeNull();
  await userEvent.setup().click(pill);
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

it("cancels several workflows after it has said how many jobs that are, and which it can't", async () => {
  const running = { ...row(3, "RUNNING"), counts: { RUNNING: 2, PENDING: 4 }, ended_at: null };
  const dryRuns: boolean[] = [];
  const { asked } = showAt("/workflows", {
    "GET /v1/workflows": { ...PAGE, workflows: [running, row(2), row(1, "SUCCEEDED")] },
    [`POST /v1/workflows/${running.workflow_id}/cancel`]: ({ body, query }: Asked) => {
      const { dry_run } = body as { dry_run: boolean };
      dryRuns.push(dry_run);
      const second = query.has("cursor");
      const counts = { cancelled: second ? 1 : 3, asked: second ? 0 : 2, ended: 0, left: 0 };
      return {
        ...counts,
        complete: second,
        cursor: second ? null : "next",
        workflow_id: running.workflow_id,
      };
    },
  });
  await screen.findByRole("grid");
  const user = userEvent.setup();
  await user.click(screen.getByRole("checkbox", { name: "select all rows" }));
  expect(screen.getByText("3 selected")).toBeDefined();
  await user.hover(screen.getByRole("button", { name: "unhold…" }));
  expect((await screen.findByRole("tooltip")).textContent).toMatch(/^none of the selected workflows: /);
  await user.click(screen.getByRole("button", { name: "cancel…" }));
  const dialog = await screen.findByRole("dialog", { name: "Cancel 3 selected workflows" });
  const confirm = await within(dialog).findByRole("button", { name: "cancel 1 workflow" });
  expect(dialog.textContent).toContain("with 6 jobs, of which 2 run");
  expect(dialog.textContent).toContain("2 can't: all of its jobs have ended");
  expect(await faultsOf(dialog)).toEqual([]);
  expect(dryRuns).toEqual([true, true]);
  await user.click(confirm);
  await within(dialog).findByText("cancel: 1 workflow with 6 jobs; 2 left");
  expect(dryRuns).toEqual([true, true, false, false]);
  expect(
    asked.filter(({ method }) => method === "POST").every(({ path }) => path.includes(running.workflow_id)),
  ).toBe(true);
});

it("goes on in sight while it acts, and stops by its button alone", async () => {
  const running = { ...row(3, "RUNNING"), counts: { RUNNING: 2 }, ended_at: null };
  const waiting: (() => void)[] = [];
  showAt("/workflows", {
    "GET /v1/workflows": { ...PAGE, workflows: [running] },
    [`POST /v1/workflows/${running.workflow_id}/cancel`]: ({ body }: Asked) => {
      const answer = { cancelled: 0, asked: 2, ended: 0, left: 0, complete: true, cursor: null };
      if ((body as { dry_run: boolean }).dry_run) return answer;
      return new Promise((done) => waiting.push(() => done(answer)));
    },
  });
  await screen.findByRole("grid");
  const user = userEvent.setup();
  await user.click(screen.getByRole("checkbox", { name: "select all rows" }));
  await user.click(screen.getByRole("button", { name: "cancel…" }));
  await user.click(await screen.findByRole("button", { name: "cancel 1 workflow" }));
  await waitFor(() => expect(waiting).toHaveLength(1));
  await user.keyboard("{Escape}");
  expect(screen.getByRole("button", { name: "Stop" })).toBeDefined();
  await act(async () => waiting.shift()?.());
  expect(await screen.findByText("cancel: 1 workflow with 2 jobs; 0 left")).toBeDefined();
});

it("keeps the scroll and the row on the way back from a workflow", async () => {
  const many = Array.from({ length: 80 }, (_, place) => ({
    ...row(0),
    workflow_id: `00000000000000000000000${String(place).padStart(3, "0")}`,
    name: `nightly-${place}`,
  }));
  showAt("/workflows", { "GET /v1/workflows": { ...PAGE, workflows: many } });
  const grid = await screen.findByRole("grid");
  grid.scrollTop = 2_000;
  fireEvent.scroll(grid);
  const link = await screen.findByRole("link", { name: "nightly-60" });
  act(() => link.focus());
  await userEvent.click(link);
  await waitFor(() => expect(window.location.pathname).toContain("/workflows/0"));
  act(() => window.history.back());
  // Only a table that begins where it was draws that row.
  await waitFor(() => expect(document.activeElement?.textContent).toContain("nightly-60"));
});

it("puts workflows on hold together, and shows how long a running one may still take", async () => {
  const started = new Date(Date.now() - 100_000).toISOString();
  const running = (place: number) => ({
    ...row(place, "RUNNING"),
    counts: { SUCCEEDED: 10, READY: 5, RUNNING: 5 },
    job_count: 20,
    started_at: started,
    ended_at: null,
    critical_path_seconds: null,
  });
  const held: string[] = [];
  const hold = ({ path }: Asked) => {
    held.push(path);
    return {
      changed: 5,
      same: 0,
      dispatched: 5,
      ended: 10,
      at_limit: 0,
      left: 0,
      complete: true,
      cursor: null,
    };
  };
  showAt("/workflows", {
    "GET /v1/workflows": { ...PAGE, workflows: [running(2), running(1)] },
    [`POST /v1/workflows/${running(1).workflow_id}/hold`]: hold,
    [`POST /v1/workflows/${running(2).workflow_id}/hold`]: hold,
  });
  const left = await screen.findAllByTitle(/^by its pace: 10 jobs ran/);
  expect(left[0]?.textContent).toBe("about 2 min");
  const user = userEvent.setup();
  await user.click(screen.getByRole("checkbox", { name: "select all rows" }));
  await user.click(screen.getByRole("button", { name: "hold…" }));
  await user.click(await screen.findByRole("button", { name: "hold 2 workflows" }));
  await screen.findByText("hold: 2 workflows with 10 jobs; 0 left");
  expect(held).toHaveLength(2);
});
