import { act, screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, it } from "vitest";
import { WORKER_JOB as JOB, WORKER } from "../../testing/answers";
import { refusal, showAt } from "../../testing/show";

const LOST = { ...WORKER, worker_id: "n-2", name: null, state: "LOST", live: false };
const ANSWERS = {
  "GET /v1/pools": { pools: [] },
  "GET /v1/workers": { workers: [WORKER, LOST], cursor: "more" },
  "GET /v1/workers/ecs/n-1/jobs": { running: [JOB], ended: [], complete: true, ended_since: null },
};

it("shows each worker with its slots in words, and the way to the next page", async () => {
  showAt("/workers?pool=ecs", ANSWERS);
  const tiles = within(await screen.findByRole("list", { name: "workers" })).getAllByRole("listitem");
  expect(tiles[0]?.textContent).toContain("3 of 8 slots taken");
  expect(tiles[1]?.textContent).toContain("LOST");
  expect(screen.getByText(/Of these: 1 live worker runs 3 jobs in 8 slots\. 1 is gone/)).toBeTruthy();
  expect(screen.getByRole("link", { name: "the next 200 workers" }).getAttribute("href")).toBe(
    "/workers?pool=ecs&cursor=more",
  );
});

it("asks the API by the filters of the address, and changes them there", async () => {
  const { asked } = showAt("/workers?state=LOST&order=seen&view=table", ANSWERS);
  expect(await screen.findByText("nightly (n-1)")).toBeTruthy();
  expect(asked.map(({ call }) => call)).toContain("GET /v1/workers?limit=200&state=LOST&order=seen");
  await userEvent.selectOptions(screen.getByLabelText("state"), "DRAINING");
  await waitFor(() => expect(window.location.search).toBe("?state=DRAINING&order=seen&view=table"));
});

it("shows what a worker runs, and drains it after it has asked", async () => {
  const { asked } = showAt("/workers?worker=ecs%2Fn-1", {
    ...ANSWERS,
    "POST /v1/workers/ecs/n-1/drain": WORKER,
  });
  const running = await screen.findByRole("list", { name: "jobs that it runs" });
  expect(within(running).getByRole("link", { name: "load" })).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Drain" }));
  await userEvent.click(screen.getByRole("button", { name: "Drain the worker" }));
  await waitFor(() => expect(asked.some(({ method }) => method === "POST")).toBe(true));
});

it("says that a worker was asked to drain until it begins, and asks it only once", async () => {
  const asked = { ...WORKER, drain_requested_at: "2026-11-29T10:00:00Z", drain_requested_by: "ann" };
  showAt("/workers?worker=ecs%2Fn-1", { ...ANSWERS, "GET /v1/workers": { workers: [asked], cursor: null } });
  const tiles = await screen.findByRole("list", { name: "workers" });
  expect(within(tiles).getByText("ACTIVE, asked to drain")).toBeTruthy();
  const drain = await screen.findByRole("button", { name: "Drain" });
  expect(drain.getAttribute("aria-disabled")).toBe("true");
});

it("shows the jobs of a worker that has no entry", async () => {
  showAt("/workers?worker=lambda%2Fe-1", {
    ...ANSWERS,
    "GET /v1/workers/lambda/e-1/jobs": { running: [], ended: [JOB], complete: true, ended_since: null },
  });
  expect(await screen.findByText(/has no entry/)).toBeTruthy();
  expect(await screen.findByRole("list", { name: "jobs that it ran" })).toBeTruthy();
});

it("forgets why a worker could not be read once the list has it", async () => {
  let listed: unknown[] = [];
  const { queries } = showAt("/workers?worker=ecs%2Fn-1", {
    ...ANSWERS,
    "GET /v1/workers": () => ({ workers: listed, cursor: null }),
    "GET /v1/workers/ecs/n-1": () => refusal(403, "forbidden"),
  });
  await screen.findByRole("button", { name: "Try again" });
  listed = [WORKER];
  await act(() => queries.refetchQueries({ type: "active" }));
  await screen.findByRole("button", { name: "Drain" });
  expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
});
