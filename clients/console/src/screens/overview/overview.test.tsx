import { screen, within } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { POOL } from "../../testing/answers";
import { aFailureGroup, someFailures } from "../../testing/failures";
import { type Asked, refusal, showAt } from "../../testing/show";
import { aStatisticsRow, someStatistics } from "../../testing/statistics";

const NOW = new Date().toISOString();
const DAY_AGO = new Date(Date.parse(NOW) - 86_400_000).toISOString();
const QUIET = {
  "GET /v1/pools": { pools: [POOL] },
  "GET /v1/jobs": { jobs: [], looked_at: 0, cursor: null },
  "GET /v1/failures": someFailures([]),
  "GET /v1/workflows": { workflows: [], looked_at: 0, looked_back_to: null, cursor: null },
  "GET /v1/workers": { workers: [], cursor: null },
  "GET /v1/types": { types: [] },
  "GET /v1/stats": someStatistics("hour", [aStatisticsRow({ ended: 7, succeeded: 5, failed: 2 })]),
  "GET /v1/status": { healthy: true, version: "0", schedules: [], streams: [], pools: [] },
};

const LATE = {
  job_id: "9",
  type: "load",
  state: "RUNNING",
  workflow_id: null,
  finished_at: null,
  error: null,
};

it("says how to submit a first job where nothing has happened yet", async () => {
  const { asked } = showAt("/", QUIET);
  expect(
    await screen.findByText("Nothing runs or waits, and nothing has failed in the last 24h."),
  ).toBeTruthy();
  expect(screen.getByText(/tidegate submit job\.json/)).toBeTruthy();
  expect(await screen.findByText("schedules and streams are alive")).toBeTruthy();
  const ended = await screen.findByRole("region", { name: "Ended jobs" });
  await within(ended).findByText(/7 jobs ended in 24 hours, 2 of them failed, counted up to/);
  const calls = asked.map(({ call }) => call).filter((call) => call !== "GET /v1/me");
  expect(calls).toHaveLength(8);
  expect(calls.slice(0, 3).every((call) => /^GET \/v1\/(pools|failures|workflows)/.test(call))).toBe(true);
});

it("groups failures, and links each number to its jobs", async () => {
  showAt("/", {
    ...QUIET,
    "GET /v1/pools": {
      pools: [
        {
          ...POOL,
          active: { count: 4, more: false },
          ready: { count: 1000, more: true },
          paused: true,
          changes: { paused: { by: "ann", at: NOW } },
        },
      ],
    },
    "GET /v1/jobs": ({ query }: Asked) =>
      query.has("overdue") ? { jobs: [LATE], looked_at: 1, cursor: null } : QUIET["GET /v1/jobs"],
    "GET /v1/failures": someFailures(
      [
        aFailureGroup({ first_at: NOW, fingerprint: "a", code: "lost", pattern: "<b>gone</b>" }),
        aFailureGroup({
          first_at: NOW,
          fingerprint: "b",
          count: 2,
          pattern: "<b>broken</b>",
          workflow_count: 1,
        }),
        aFailureGroup({
          first_at: NOW,
          fingerprint: "c",
          count: 3,
          type: "known",
          muted: { by: "ann", at: NOW },
        }),
      ],
      { since: DAY_AGO, until: NOW, cursor: "more" },
    ),
  });
  const strip = await screen.findByRole("list", { name: "jobs of all pools" });
  expect(
    within(strip)
      .getByRole("link", { name: /READY\s*1,000\+/ })
      .getAttribute("href"),
  ).toBe("/jobs?state=READY");
  const hour = await within(strip).findByRole("link", { name: /at least 6/ });
  expect(hour.getAttribute("href")).toBe("/jobs?state=FAILED%2CTIMED_OUT&since=1h");
  expect(screen.getByText("4 active of 8")).toBeTruthy();
  const groups = screen.getByRole("list", { name: "failed jobs by cause" });
  expect(
    within(groups)
      .getAllByRole("listitem")
      .map((row) => row.textContent),
  ).toEqual([
    expect.stringMatching(/at least 2 failed load: raised .* in at least 1 workflow<b>broken/),
    expect.stringContaining("at least 1 failed load: lost"),
  ]);
  expect(within(groups).getByRole("link", { name: "load: raised" }).getAttribute("href")).toBe(
    "/jobs?state=FAILED%2CTIMED_OUT&failure=b&since=24h",
  );
  expect(
    screen.getByText(/The newest 3 jobs in 2 groups, of the last 24h; there are earlier ones; 1 muted/),
  ).toBeTruthy();
  expect(within(groups).getAllByText(/<b>/)).toHaveLength(2);
  expect(await screen.findByText("1 running job takes longer than its estimate")).toBeTruthy();
  expect(screen.getAllByText(/paused by ann/)).toHaveLength(2);
});

it("says that the API did not answer, and offers to ask again", async () => {
  showAt("/", { "GET /v1/pools": () => refusal(403, "forbidden", []) });
  expect(await screen.findByRole("button", { name: "Try again" })).toBeTruthy();
});

it.each([
  ["busy", { ...POOL, active: { count: 1, more: false } }, 12],
  ["idle", POOL, 2],
])("makes only so many calls a minute while it is %s", async (_, pool, most) => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const { asked } = showAt("/", { ...QUIET, "GET /v1/pools": { pools: [pool] } });
    await screen.findByText("schedules and streams are alive");
    const before = asked.length;
    // Six minutes hold every pace at least once.
    await vi.advanceTimersByTimeAsync(6 * 60_000);
    expect((asked.length - before) / 6).toBeLessThanOrEqual(most);
    expect(asked.length).toBeGreaterThan(before);
  } finally {
    vi.useRealTimers();
  }
});
