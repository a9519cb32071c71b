/** The forecast on the screens of a job and of a workflow. */

import { act, screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { STATE_OF_LETTER } from "../domain/states";
import { faultsOf } from "../testing/axe";
import { compactGraph } from "../testing/graphs";
import { aJob } from "../testing/jobs";
import { type Answers, refusal, showAt } from "../testing/show";

const FLOW = "6WRG02RMBSYB4S71Q0B9AKQ2TE";
const ID = `${FLOW}.1`;
const MINUTE_MS = 60_000;
const at = (minutes: number) => new Date(Date.now() + minutes * MINUTE_MS).toISOString();
const about = (minutes: number) => ({ median: at(minutes), low: at(minutes - 1), high: at(minutes + 9) });
const PAUSED = { code: "pool-paused", message: "Pool lambda is paused." };

function jobForecast(more: object = {}) {
  const asked = { job_id: ID, state: "READY", asked_at: at(0), coverage: 0.9, draws: 60, notes: [] };
  return { ...asked, start: about(3), end: about(10), ...more };
}

function showJob(state: "READY" | "RUNNING" | "SUCCEEDED", forecast: unknown, changes = {}) {
  return showAt(`/jobs/${ID}`, {
    [`GET /v1/jobs/${ID}`]: aJob({ job_id: ID, key: "load", state, ...changes }),
    [`GET /v1/jobs/${ID}/forecast`]: forecast,
  });
}

function forecasts({ asked }: { asked: readonly { path: string }[] }): number {
  return asked.filter(({ path }) => path.endsWith("/forecast")).length;
}

const API = `/v1/workflows/${FLOW}`;

function showFlow(letters: string, forecast: unknown, search = "", more: Answers = {}) {
  const counts: Record<string, number> = {};
  for (const letter of letters) {
    const state = STATE_OF_LETTER[letter] ?? "PENDING";
    counts[state] = (counts[state] ?? 0) + 1;
  }
  const running = letters.includes("A");
  const graph = compactGraph(
    Array.from(letters, () => []),
    () => "fetch",
  );
  return showAt(`/workflows/${FLOW}${search}`, {
    [`GET ${API}`]: {
      workflow_id: FLOW,
      name: "nightly",
      tags: {},
      created_at: at(-9),
      submitted_by: null,
    },
    [`GET ${API}/graph`]: { ...graph, workflow_id: FLOW },
    [`GET ${API}/states`]: {
      workflow_id: FLOW,
      state: running ? "RUNNING" : "SUCCEEDED",
      counts,
      started_at: at(-9),
      ended_at: running ? null : at(-1),
      critical_path_seconds: null,
      job_count: letters.length,
      version: "1",
      states: letters,
      changes: {},
    },
    [`GET ${API}/forecast`]: forecast,
    ...more,
  });
}

function flowForecast(more: object = {}) {
  const asked = { workflow_id: FLOW, asked_at: at(0), jobs_left: 2, coverage: 0.9, draws: 60, notes: [] };
  const job = { job_id: ID, key: "load", state: "PENDING", start: about(5), end: about(8) };
  return { ...asked, end: about(10), jobs: [job], ...more };
}

describe("a job", () => {
  it("says when it starts and ends, with bounds and what is taken for granted", async () => {
    showJob("READY", jobForecast({ notes: [{ code: "not-all-read", message: "More\u202e competes." }] }));
    const section = await screen.findByRole("region", { name: "forecast" });
    await within(section).findByText(/^Starts about/);
    expect(section.textContent).toMatch(
      /Starts about \S+ \S+ UTC \(in (3 min|2 min 5\d s)\), in 90 % of cases between /,
    );
    expect(section.textContent).toMatch(/Ends about \S+ \S+ UTC \(in (10 min|9 min 5\d s)\)/);
    expect(within(section).getByRole("listitem").textContent).toBe("More\\u202e competes.");
    expect(await faultsOf(section)).toEqual([]);
  });

  it("that does not start says why, and asks again when somebody wants it", async () => {
    let forecast = jobForecast({ start: null, end: null, notes: [PAUSED] });
    const shown = showJob("READY", () => forecast);
    const section = await screen.findByRole("region", { name: "forecast" });
    await within(section).findByText("It does not start as things stand.");
    expect(within(section).getByRole("listitem").textContent).toBe("Pool lambda is paused.");
    forecast = jobForecast();
    await userEvent.setup().click(within(section).getByRole("button", { name: "Forecast again" }));
    await within(section).findByText(/^Ends about/);
    expect(within(section).queryByText(/as things stand/)).toBeNull();
    expect(forecasts(shown)).toBe(2);
  });

  it("that runs tells its end alone, and that it is late, with a link to all such jobs", async () => {
    showJob("RUNNING", jobForecast({ start: null }), {
      started_at: at(-2),
      estimated_duration_seconds: 60,
    });
    await screen.findByText(/^Ends about/);
    expect(screen.queryByText(/^Starts about/)).toBeNull();
    await screen.findByText(/It runs longer than its estimate of 1 min\./);
    expect(screen.getByRole("link", { name: "all overdue jobs" }).getAttribute("href")).toBe(
      "/jobs?state=RUNNING&overdue=true",
    );
  });

  it("that runs longer than is usual for its type says by what it is measured", async () => {
    showJob("RUNNING", jobForecast({ start: null }), {
      started_at: at(-2),
      estimated_duration_seconds: 60,
      estimate_source: "statistics",
      straggler: { runs: 120, p99_seconds: 90 },
    });
    await screen.findByText(/It runs longer than the usual run time of its type, 1 min\./);
    await screen.findByText(/Of 120 runs of its type, 99 % took at most 1 min 30 s\./);
  });

  it("that is at risk of missing its time says what would help", async () => {
    const helps = [
      { probability: 0.6, priority: 1_000, add_slots: null },
      { probability: 0.95, priority: null, add_slots: { "e\u202ecs": 4 } },
    ];
    const judged = { at: at(5), verdict: "at-risk", probability: 0.123, earliest: null, helps };
    showJob("READY", jobForecast({ finish_by: judged }));
    const section = await screen.findByRole("region", { name: "forecast" });
    await within(section).findByText("at risk");
    expect(section.textContent).toMatch(
      /It ought to end by \S+ \S+ UTC, and does so with a probability of 12 %\./,
    );
    const list = within(section).getByRole("list", { name: "changes that would help" });
    expect(
      within(list)
        .getAllByRole("listitem")
        .map((each) => each.textContent),
    ).toEqual(["with priority 1000: 60 %", "with 4 more slots in e\\u202ecs: 95 %"]);
    expect(await faultsOf(section)).toEqual([]);
  });

  it("that starts keeps its forecast with its age until the next one is there", async () => {
    let job = aJob({ job_id: ID, key: "load" });
    let forecast: unknown = jobForecast({ asked_at: at(-2.3) });
    const shown = showAt(`/jobs/${ID}`, {
      [`GET /v1/jobs/${ID}`]: () => job,
      [`GET /v1/jobs/${ID}/forecast`]: () => forecast,
    });
    await screen.findByText(/^forecast 2 min \d+ s ago/);
    job = { ...job, state: "RUNNING", attempt: 1 };
    let answer: (forecast: object) => void = () => undefined;
    forecast = new Promise((resolve) => {
      answer = resolve;
    });
    await act(() => shown.queries.invalidateQueries({ queryKey: ["job", ID], exact: true }));
    const button = await screen.findByRole("button", { name: "Forecast again", busy: true });
    expect(button.parentElement?.textContent).toMatch(/^forecast 2 min \d+ s ago/);
    answer(jobForecast({ start: null }));
    await screen.findByText(/^forecast \d+ s ago/);
    expect(forecasts(shown)).toBe(2);
  });

  it("that has ended has no forecast, and asks for none", async () => {
    const shown = showJob("SUCCEEDED", jobForecast());
    await screen.findByRole("region", { name: "states so far" });
    expect(screen.queryByRole("region", { name: "forecast" })).toBeNull();
    expect(forecasts(shown)).toBe(0);
  });

  it("of a workflow of unknown size is forecast when somebody asks, and once it runs not by itself", async () => {
    let job = aJob({ job_id: ID, key: "load", workflow_id: FLOW });
    let forecast: unknown = jobForecast();
    const shown = showAt(`/jobs/${ID}`, {
      [`GET /v1/jobs/${ID}`]: () => job,
      [`GET /v1/jobs/${ID}/forecast`]: () => forecast,
    });
    const section = await screen.findByRole("region", { name: "forecast" });
    expect(section.textContent).toContain("so it is made when you ask for it");
    expect(forecasts(shown)).toBe(0);
    const user = userEvent.setup();
    await user.click(within(section).getByRole("button", { name: "Forecast" }));
    await screen.findByText(/^Starts about/);
    job = { ...job, state: "RUNNING", attempt: 1 };
    await act(() => shown.queries.invalidateQueries());
    await waitFor(() => expect(screen.queryByText(/^Starts about/)).toBeNull());
    // What was forecast before it ran stays, with its age.
    expect(screen.getByText(/^Ends about/)).toBeDefined();
    expect(forecasts(shown)).toBe(1);
    forecast = refusal(504, "timeout", [], "It took too long.");
    await user.click(screen.getByRole("button", { name: "Forecast again" }));
    await screen.findByText("It took too long.");
    forecast = jobForecast({ start: null });
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(screen.queryByText("It took too long.")).toBeNull());
    // Nothing over the screen tells of what is read only when somebody asks.
    forecast = refusal(504, "timeout", [], "It took too long again.");
    await user.click(screen.getByRole("button", { name: "Forecast again" }));
    await screen.findByText("It took too long again.");
    expect(forecasts(shown)).toBe(4);
  });

  it("that can't be read again for a while stays as it is, so that nothing below it moves", async () => {
    let forecast: unknown = jobForecast();
    const shown = showJob("READY", () => forecast);
    const section = await screen.findByRole("region", { name: "forecast" });
    await within(section).findByText(/^Ends about/);
    const before = section.childNodes.length;
    forecast = new Response("", { status: 503 });
    await act(() => shown.queries.refetchQueries({ queryKey: ["job", ID, "forecast"] }));
    await screen.findByText(/^The API does not answer as it should/);
    expect(forecasts(shown)).toBe(2);
    expect(section.childNodes.length).toBe(before);
    expect(within(section).queryByRole("alert")).toBeNull();
  });

  it.each([
    ["few jobs", 2, 1],
    ["many jobs", 1_001, 0],
  ])(
    "that is opened from a workflow with %s left is forecast unasked as its workflow is",
    async (_, left, calls) => {
      const shown = showFlow(`A${"P".repeat(left - 1)}S`, flowForecast(), "?job=1", {
        [`GET /v1/jobs/${ID}`]: aJob({ job_id: ID, key: "load", workflow_id: FLOW }),
        [`GET /v1/jobs/${ID}/forecast`]: jobForecast(),
      });
      const link = await screen.findByRole("link", { name: "Open the job" });
      await userEvent.setup().click(link);
      await screen.findByRole("region", { name: "states so far" });
      await screen.findByText(calls === 1 ? /^Starts about/ : /so it is made when you ask for it/);
      expect(shown.asked.filter(({ path }) => path === `/v1/jobs/${ID}/forecast`)).toHaveLength(calls);
    },
  );

  it("of a workflow without a graph says so, and any other refusal can be tried again", async () => {
    const shown = showJob("READY", refusal(404, "not-found"));
    await screen.findByText(/No graph of its workflow is stored/);
    shown.unmount();
    let answer: unknown = refusal(504, "timeout", [], "It took too long.");
    const again = showJob("READY", () => answer);
    const section = await screen.findByRole("region", { name: "forecast" });
    await within(section).findByText("It took too long.");
    expect(forecasts(again)).toBe(1);
    answer = jobForecast();
    await userEvent.setup().click(within(section).getByRole("button", { name: "Try again" }));
    await within(section).findByText(/^Starts about/);
  });
});

describe("a workflow", () => {
  it.each([
    ["impossible", at(30), /impossible It ought to end by .* of 0 %\. Without any wait it would end about /],
    ["missed", null, /missed It ought to end by \S+ \S+ UTC\./],
  ])("whose time is %s says so", async (verdict, earliest, said) => {
    showFlow("SA", flowForecast({ finish_by: { at: at(5), verdict, probability: 0, earliest, helps: [] } }));
    await screen.findByText(verdict);
    expect(screen.getByRole("region", { name: "forecast" }).textContent).toMatch(said);
  });

  it("says when it ends, and the open panel when its job starts, by the same answer", async () => {
    const shown = showFlow("AP", flowForecast(), "?job=1");
    const section = await screen.findByRole("region", { name: "forecast" });
    await within(section).findByText(/^Ends about/);
    const panel = await screen.findByRole("complementary", { name: /^job / });
    expect(panel.textContent).toMatch(/Starts about \S+ \S+ UTC \(in (5 min|4 min 5\d s)\)/);
    expect(forecasts(shown)).toBe(1);
  });

  it("that does not end says why", async () => {
    showFlow("AP", flowForecast({ end: null, notes: [PAUSED] }));
    await screen.findByText("It does not end as things stand.");
    expect(screen.getByText("Pool lambda is paused.")).toBeDefined();
  });

  it("of many jobs is forecast when somebody asks", async () => {
    const shown = showFlow(`A${"P".repeat(1_000)}`, flowForecast());
    const section = await screen.findByRole("region", { name: "forecast" });
    expect(section.textContent).toContain("1,001 jobs have not ended");
    expect(forecasts(shown)).toBe(0);
    await userEvent.setup().click(within(section).getByRole("button", { name: "Forecast" }));
    await screen.findByText(/^Ends about/);
    expect(forecasts(shown)).toBe(1);
  });

  it("that has ended has none", async () => {
    const shown = showFlow("SS", flowForecast());
    await screen.findByRole("tabpanel");
    expect(screen.queryByRole("region", { name: "forecast" })).toBeNull();
    expect(forecasts(shown)).toBe(0);
  });
});
