import { act, screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { POOL } from "../../testing/answers";
import { type Asked, ME, refusal, showAt } from "../../testing/show";
import { aStatisticsRow, someStatistics } from "../../testing/statistics";

const SHARE = {
  pool: "lambda",
  share: "data",
  weight: 3,
  max_priority: 500,
  max_waiting: null,
  by: "ann",
  at: null,
};
const ANSWERS = {
  "GET /v1/pools": { pools: [POOL, { ...POOL, name: "ecs", kind: "process", workers: 2 }] },
  "GET /v1/pools/lambda/shares": { shares: [SHARE] },
  "GET /v1/stats": someStatistics("hour", [aStatisticsRow({ ended: 7, timed_out: 2 })]),
};

it("opens a pool from the table, and keeps it in the address", async () => {
  const { asked } = showAt("/pools", ANSWERS);
  const row = (await screen.findAllByRole("row")).find((each) => each.textContent?.startsWith("lambda"));
  await userEvent.click(row ?? document.body);
  expect(await screen.findByRole("heading", { name: "Pool lambda" })).toBeTruthy();
  expect(window.location.search).toBe("?pool=lambda");
  expect(await screen.findByText(/weight 3 · priority at most 500 · any number waits/)).toBeTruthy();
  expect((await screen.findByRole("link", { name: "see the statistics" })).getAttribute("href")).toBe(
    "/stats?pool=lambda&by=type",
  );
  const asks = asked.filter(({ path }) => path === "/v1/stats");
  expect(asks.map(({ query }) => [query.get("by"), query.get("pool")])).toEqual([
    ["pool", null],
    ["hour", "lambda"],
  ]);
  await userEvent.keyboard("{Escape}");
  expect(screen.queryByRole("heading", { name: "Pool lambda" })).toBeNull();
});

const HOUR = { since: "2026-11-29T08:00:00.000Z", ended: 7, succeeded: 5, failed: 1, timed_out: 1 };

it("shows the ends of each pool by hour, by one call for all of them", async () => {
  const row = aStatisticsRow({ pool: "lambda", ended: 7, failed: 1, timed_out: 1, steps: [HOUR] });
  const { asked } = showAt("/pools", { ...ANSWERS, "GET /v1/stats": someStatistics("pool", [row]) });
  const bars = await screen.findByRole("img", { name: "7 jobs ended in 24 hours, 2 of them failed" });
  // Each hour has a bar of all, and one of those that failed.
  const heights = (part: number) =>
    [...bars.querySelectorAll("rect")]
      .filter((_, place) => place % 2 === part)
      .map((each) => each.getAttribute("height"));
  expect(heights(0).filter((height) => height !== "1")).toHaveLength(1);
  expect(heights(1).filter((height) => height !== "0")).toHaveLength(1);
  expect(heights(0)).toHaveLength(24);
  const rows = screen.getAllByRole("row").map((each) => each.textContent);
  expect(rows.find((text) => text?.startsWith("ecs"))).toMatch(/none/);
  expect(rows.find((text) => text?.startsWith("lambda"))).not.toMatch(/none/);
  const [ask, ...others] = asked.filter(({ path }) => path === "/v1/stats");
  expect(others).toEqual([]);
  expect([ask?.query.get("by"), ask?.query.get("step")]).toEqual(["pool", "hour"]);
});

it("asks for the ends once in ten minutes, however often a pool is opened and closed", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    const { asked } = showAt("/pools?pool=lambda", ANSWERS);
    const asks = () => asked.filter(({ path }) => path === "/v1/stats").map(({ query }) => query.get("by"));
    const close = async () => {
      await screen.findByRole("link", { name: "see the statistics" });
      await userEvent.keyboard("{Escape}");
      await screen.findByText(/Ends are counted up to/);
    };
    await close();
    expect(asks()).toEqual(["hour", "pool"]);
    vi.setSystemTime(Date.now() + 5 * 60_000);
    await act(() => window.history.back());
    await close();
    expect(asks()).toEqual(["hour", "pool"]);
  } finally {
    vi.useRealTimers();
  }
});

it("says below the list why ends are not told, and keeps the list", async () => {
  const why = refusal(422, "invalid-request", [], "too much to add up");
  showAt("/pools", { ...ANSWERS, "GET /v1/stats": why });
  await screen.findByText("too much to add up");
  const [table, alert] = [screen.getByRole("grid", { name: "pools" }), screen.getByRole("alert")];
  expect(table.compareDocumentPosition(alert)).toBe(Node.DOCUMENT_POSITION_FOLLOWING);
  expect(within(table).queryByText("none")).toBeNull();
});

it("pauses after it has asked", async () => {
  const { asked } = showAt("/pools?pool=lambda", { ...ANSWERS, "POST /v1/pools/lambda/pause": POOL });
  await userEvent.click(await screen.findByRole("button", { name: "Pause" }));
  expect(asked.some(({ method }) => method === "POST")).toBe(false);
  await userEvent.click(screen.getByRole("button", { name: "Pause the pool" }));
  expect(asked.filter(({ method }) => method === "POST").map(({ path }) => path)).toEqual([
    "/v1/pools/lambda/pause",
  ]);
});

it("says why a viewer may not act", async () => {
  const { asked } = showAt("/pools?pool=lambda", { ...ANSWERS, "GET /v1/me": { ...ME, role: "viewer" } });
  const button = () => screen.getByRole("button", { name: "Pause" });
  await waitFor(() => expect(button().getAttribute("aria-disabled")).toBe("true"));
  const pause = button();
  await userEvent.hover(pause);
  expect(await screen.findByText(/your role is viewer; this needs the role operator/)).toBeTruthy();
  await userEvent.click(pause);
  expect(asked.every(({ method }) => method === "GET")).toBe(true);
});

it("counts what a redrive would do, over all pages, before it does it", async () => {
  const { asked } = showAt("/pools?pool=lambda", {
    ...ANSWERS,
    "POST /v1/pools/lambda/redrive": ({ call }: Asked) => ({
      pool: "lambda",
      redriven: 2,
      looked_at: 200,
      cursor: call.includes("cursor=next") ? null : "next",
    }),
  });
  await userEvent.click(await screen.findByRole("button", { name: "Redrive" }));
  expect(await screen.findByText(/would retry 4 undeliverable jobs among all 400 failed jobs/)).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Retry them" }));
  expect(await screen.findByText(/Retried 4 undeliverable jobs/)).toBeTruthy();
  const bodies = asked.filter(({ method }) => method === "POST").map(({ body }) => body);
  expect(bodies).toEqual([{ dry_run: true }, { dry_run: true }, { dry_run: false }, { dry_run: false }]);
});

it("makes a share, and refuses what is no number before it asks the API", async () => {
  const { asked } = showAt("/pools?pool=lambda", { ...ANSWERS, "PUT /v1/pools/lambda/shares/web": SHARE });
  await userEvent.click(await screen.findByRole("button", { name: "Make a share" }));
  const dialog = within(screen.getByRole("dialog"));
  await userEvent.type(dialog.getByLabelText("name"), "web");
  await userEvent.type(dialog.getByLabelText("most that wait"), "many");
  await userEvent.click(dialog.getByRole("button", { name: "Make the share" }));
  expect(await dialog.findByText(/most that wait: must be a whole number/)).toBeTruthy();
  await userEvent.clear(dialog.getByLabelText("most that wait"));
  await userEvent.click(dialog.getByRole("button", { name: "Make the share" }));
  expect(asked.find(({ method }) => method === "PUT")?.body).toEqual({
    weight: 1,
    max_priority: null,
    max_waiting: null,
  });
});
