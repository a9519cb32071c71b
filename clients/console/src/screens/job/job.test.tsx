import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { faultsOf } from "../../testing/axe";
import { aCaller, aJob, HOSTILE, type Job } from "../../testing/jobs";
import { type Asked, showAt } from "../../testing/show";

const ID = "6WRG02RMBSYB4S71Q0B9AKQ2TE.1";
const NO_CHANGE = {
  sentence: "",
  pool: null,
  type: null,
  job_ids: [],
  max_running: null,
  slots: null,
  at: null,
};

/** Renders the page of a job; `more` answers what is not the job itself. */
function renderJob(
  job: () => Job,
  more: (call: Asked) => unknown = () => undefined,
  search = "",
  role = "operator",
) {
  return showAt(`/jobs/${ID}${search}`, (call) => {
    const answered = more(call);
    if (answered !== undefined) return answered;
    if (call.path === "/v1/me") return aCaller(role);
    if (call.path === `/v1/jobs/${ID}` && call.method === "GET") return job();
    if (call.path.endsWith("/why")) {
      return {
        job_id: ID,
        state: "READY",
        type: "t",
        pool: "lambda",
        facts: [],
        sentence: "Soon.",
        complete: true,
      };
    }
    return undefined;
  });
}

const FAILED = aJob({
  job_id: ID,
  key: "load",
  state: "FAILED",
  attempt: 2,
  tries: 2,
  worker: "ecs-1",
  error: {
    code: "job-error",
    message: "Traceback:\n  File x\nValueError: no",
    upstream_id: null,
    last_lines: ["reading", "failed here"],
  },
  history: [
    { at: "2026-12-01T08:00:00.000Z", state: "READY", attempt: 0, actor: "ann", reason: null },
    { at: "2026-12-01T08:00:05.000Z", state: "RUNNING", attempt: 1, actor: "ecs-1", reason: null },
    { at: "2026-12-01T08:00:25.000Z", state: "SCHEDULED", attempt: 1, actor: "ecs-1", reason: "job-error" },
    { at: "2026-12-01T08:00:30.000Z", state: "RUNNING", attempt: 2, actor: "ecs-1", reason: null },
    { at: "2026-12-01T08:01:30.000Z", state: "FAILED", attempt: 2, actor: "ecs-1", reason: "job-error" },
  ],
});

it("shows first why a job waits, and resumes the pool that holds it", async () => {
  const fact = {
    code: "pool-paused",
    message: "The pool lambda is paused.",
    evidence: { pool: "lambda" },
    change: { ...NO_CHANGE, action: "resume-pool", sentence: "resume the pool lambda", pool: "lambda" },
  };
  const { asked: calls } = renderJob(
    () => aJob({ job_id: ID, key: "load" }),
    ({ method, path }) => {
      if (path.endsWith("/why")) {
        const sentence = "To start it, resume the pool lambda.";
        return {
          job_id: ID,
          state: "READY",
          type: "t",
          pool: "lambda",
          facts: [fact],
          sentence,
          complete: true,
        };
      }
      return method === "POST" && path === "/v1/pools/lambda/resume" ? { name: "lambda" } : undefined;
    },
  );
  await screen.findByText("To start it, resume the pool lambda.");
  const headings = screen.getAllByRole("heading").map((each) => each.textContent);
  expect(headings.slice(0, 2)).toEqual(["load", "Why it is not running"]);
  await userEvent.click(screen.getByRole("button", { name: "Resume the pool lambda" }));
  const dialog = await screen.findByRole("dialog");
  await userEvent.click(within(dialog).getByRole("button", { name: "Resume the pool lambda" }));
  await waitFor(() => expect(calls.some((call) => call.path === "/v1/pools/lambda/resume")).toBe(true));
});

it("says of a straggler why it has not ended, and leads to its type", async () => {
  const change = { ...NO_CHANGE, action: "wait-for-attempt", sentence: "wait" };
  const evidence = { type: "load", age_seconds: 9.5, second_attempt: "running", second_worker_id: null };
  const fact = { code: "straggler", message: "It has run for 10 s.", evidence, change };
  renderJob(
    () => aJob({ job_id: ID, state: "RUNNING", straggler: { runs: 200, p99_seconds: 4.5 } }),
    ({ path }) =>
      path.endsWith("/why")
        ? {
            job_id: ID,
            state: "RUNNING",
            type: "load",
            pool: "p",
            facts: [fact],
            sentence: "s",
            complete: true,
          }
        : undefined,
  );
  const card = await screen.findByRole("region", { name: "Why it has not ended" });
  await within(card).findByText("It has run for 10 s.");
  expect(within(card).getByText(/age_seconds 9.5 · second_attempt running/)).toBeTruthy();
  expect(within(card).getByRole("link", { name: "type load" })).toBeTruthy();
});

it("does not let a client resume a pool, and says why", async () => {
  const change = { ...NO_CHANGE, action: "resume-pool", sentence: "resume it", pool: "lambda" };
  const fact = { code: "pool-paused", message: "paused", evidence: {}, change };
  renderJob(
    () => aJob({ job_id: ID }),
    ({ path }) =>
      path.endsWith("/why")
        ? {
            job_id: ID,
            state: "READY",
            type: "t",
            pool: "lambda",
            facts: [fact],
            sentence: "s",
            complete: true,
          }
        : undefined,
    "",
    "client",
  );
  const button = await screen.findByRole("button", { name: "Resume the pool lambda" });
  await waitFor(() => expect(button.getAttribute("aria-disabled")).toBe("true"));
});

it("shows why a job failed, line by line, with its attempts and times", async () => {
  renderJob(() => FAILED);
  expect((await screen.findByLabelText("message")).textContent).toBe("Traceback:\n  File x\nValueError: no");
  expect(screen.getByLabelText("last lines").textContent).toBe("reading\nfailed here");
  const strip = screen.getByRole("region", { name: "states so far" });
  expect(
    within(strip)
      .getAllByRole("listitem")
      .map((each) => each.textContent),
  ).toEqual(["READY 5 s", "RUNNING 20 s", "SCHEDULED 5 s", "RUNNING 1 min", "FAILED"]);
  const attempts = screen.getByRole("region", { name: "attempts" });
  expect(
    within(attempts)
      .getAllByRole("link")
      .map((each) => each.textContent),
  ).toEqual(["attempt 1", "attempt 2"]);
  expect(screen.queryByText("Why it is not running")).toBeNull();
});

it("allows what the state allows, and foresees a retry", async () => {
  let job = FAILED;
  const { asked: calls } = renderJob(
    () => job,
    ({ path, body }) => {
      if (!path.endsWith("/retry")) return undefined;
      const reopening = { reopened: 5, left_at_limit: 0, left_without_upstream: 1, complete: true };
      if (!JSON.stringify(body).includes('"dry_run":true')) job = { ...FAILED, state: "READY" };
      return { ...job, reopening };
    },
  );
  const hold = await screen.findByRole("button", { name: "Hold" });
  expect(hold.getAttribute("aria-disabled")).toBe("true");
  await userEvent.hover(hold);
  expect((await screen.findByRole("tooltip")).textContent).toContain("it has ended: FAILED");
  await userEvent.click(screen.getByRole("button", { name: "Retry" }));
  const dialog = await screen.findByRole("dialog");
  await within(dialog).findByText("5 jobs");
  expect(within(dialog).getByText(/Left skipped, because an upstream is gone: 1 job/)).toBeDefined();
  await userEvent.click(within(dialog).getByRole("button", { name: "Retry" }));
  await screen.findByText("Why it is not running");
  const posts = calls.filter((call) => call.method === "POST").map((call) => call.body);
  expect(posts).toEqual([{ dry_run: true }, {}]);
});

it("changes only the fields that somebody changed, and refuses a wrong one before it is sent", async () => {
  const { asked: calls } = renderJob(
    () => aJob({ job_id: ID, tags: { team: "data" } }),
    ({ method }) => (method === "PATCH" ? aJob({ job_id: ID }) : undefined),
  );
  await userEvent.click(await screen.findByRole("button", { name: "Change" }));
  const dialog = await screen.findByRole("dialog");
  const priority = within(dialog).getByLabelText(/priority/);
  fireEvent.change(priority, { target: { value: "0" } });
  await userEvent.click(within(dialog).getByRole("button", { name: "Change" }));
  await within(dialog).findByText(/priority: a whole number/);
  expect(calls.some((call) => call.method === "PATCH")).toBe(false);
  fireEvent.change(priority, { target: { value: "900" } });
  await userEvent.click(within(dialog).getByRole("button", { name: "Change" }));
  await waitFor(() => expect(calls.find((call) => call.method === "PATCH")?.body).toEqual({ priority: 900 }));
});

it("reruns with what follows, and with other parameters where they are JSON", async () => {
  const answer = { rerun: 4, left_at_limit: 0, left_active: 0, complete: true, cursor: null, dry_run: true };
  const { asked: calls } = renderJob(
    () => FAILED,
    ({ path }) => (path.endsWith("/rerun") ? { ...FAILED, rerun: answer } : undefined),
  );
  await userEvent.click(await screen.findByRole("button", { name: "Rerun" }));
  const dialog = await screen.findByRole("dialog");
  await within(dialog).findByText("4 jobs");
  const field = within(dialog).getByLabelText(/other parameters/);
  fireEvent.change(field, { target: { value: "{" } });
  await userEvent.click(within(dialog).getByRole("button", { name: "Rerun" }));
  await within(dialog).findByText("The parameters are no JSON object.");
  fireEvent.change(field, { target: { value: '{"seconds": 2}' } });
  await userEvent.click(within(dialog).getByRole("button", { name: "Rerun" }));
  await waitFor(() =>
    expect(calls.findLast((call) => call.path.endsWith("/rerun"))?.body).toEqual({
      downstream: true,
      parameters: { seconds: 2 },
      dry_run: false,
    }),
  );
});

it("reads a log page by page, and no line twice", async () => {
  const line = (number: number, text: string) => ({ at: "2026-12-01T08:00:00.000Z", number, text });
  const { asked: calls, queries } = renderJob(
    () => FAILED,
    ({ path, query }) => {
      if (!path.endsWith("/logs")) return undefined;
      const page = {
        job_id: ID,
        state: "FAILED",
        attempt: 1,
        log_group: "g",
        log_stream: "s",
        looked_to: null,
      };
      return query.get("cursor") === null
        ? {
            ...page,
            missing: 3,
            cursor: "next",
            lines: Array.from({ length: 1_000 }, (_, place) => line(place + 1, "printed")),
          }
        : { ...page, missing: 3, cursor: null, lines: [line(1_001, "the \u001b[31mend")] };
    },
    "?tab=log&attempt=1",
  );
  await screen.findByText("1,001 lines, that is all");
  expect(screen.getByText(/3 lines are missing/)).toBeDefined();
  expect(screen.queryByRole("button", { name: "Pause" })).toBeNull();
  await act(() => queries.invalidateQueries());
  const asked = calls.filter((call) => call.path.endsWith("/logs")).map((call) => call.query.get("cursor"));
  expect(asked).toEqual([null, "next"]);
});

/** A page of a log that goes on: the line with this number. */
function logPage(state: string, number: number) {
  return {
    job_id: ID,
    state,
    attempt: 2,
    log_group: "g",
    log_stream: "s",
    missing: 0,
    looked_to: null,
    cursor: "next",
    lines: [{ at: "2026-12-01T08:00:00.000Z", number, text: "printed" }],
  };
}

it("has the job read again once its log tells another state, and pauses on demand", async () => {
  let state = "RUNNING" as Job["state"];
  let number = 0;
  renderJob(
    () => ({ ...FAILED, state, error: null }),
    ({ path }) => {
      if (!path.endsWith("/logs")) return undefined;
      state = "SUCCEEDED";
      return logPage(state, ++number);
    },
    "?tab=log",
  );
  await screen.findByText(/1 line, more may follow/);
  const strip = screen.getByRole("region", { name: "states so far" });
  await within(strip).findByText("SUCCEEDED");
  await userEvent.click(screen.getByRole("button", { name: "Pause" }));
  await userEvent.click(await screen.findByRole("button", { name: "Follow" }));
  await screen.findByRole("button", { name: "Pause" });
  // The bar beside the lines is drawn up, which sends no event of a wheel or of keys.
  const lines = screen.getByRole("log");
  Object.defineProperty(lines, "scrollHeight", { value: 5_000 });
  for (const top of [4_200, 1_000]) {
    lines.scrollTop = top;
    fireEvent.scroll(lines);
  }
  await screen.findByRole("button", { name: "Follow" });
});

it.each([
  {
    act: "Change",
    type: (dialog: HTMLElement) =>
      fireEvent.change(within(dialog).getByLabelText(/priority/), { target: { value: "900" } }),
    confirm: "Change",
    sent: null,
  },
  {
    act: "End by hand",
    type: (dialog: HTMLElement) =>
      fireEvent.change(within(dialog).getByLabelText(/reason/), { target: { value: "by mistake" } }),
    confirm: "End it",
    sent: null,
  },
  {
    act: "Rerun",
    type: (dialog: HTMLElement) =>
      fireEvent.change(within(dialog).getByLabelText(/other parameters/), { target: { value: "{}" } }),
    confirm: "Rerun",
    sent: { downstream: true, dry_run: false },
  },
])(
  "sends nothing that was typed in a dialog of $act that somebody left",
  async ({ act, type, confirm, sent }) => {
    const answer = {
      rerun: 1,
      left_at_limit: 0,
      left_active: 0,
      complete: true,
      cursor: null,
      dry_run: true,
    };
    const job = act === "Rerun" ? FAILED : aJob({ job_id: ID });
    const { asked } = renderJob(
      () => job,
      ({ method }) => (method === "GET" ? undefined : { ...job, rerun: answer }),
    );
    const open = async () => {
      await userEvent.click(await screen.findByRole("button", { name: act }));
      return screen.findByRole("dialog");
    };
    type(await open());
    await userEvent.click(screen.getByRole("button", { name: "Leave it" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    const dialog = await open();
    await userEvent.click(within(dialog).getByRole("button", { name: confirm }));
    const acts = () =>
      asked.filter(
        ({ method, body }) => method !== "GET" && !JSON.stringify(body).includes('"dry_run":true'),
      );
    if (sent === null) {
      await within(dialog).findByText("Nothing was sent");
      expect(acts()).toEqual([]);
    } else await waitFor(() => expect(acts().map(({ body }) => body)).toEqual([sent]));
  },
);

it("reads no line twice where an answer takes longer than a turn", async () => {
  const waiting: (() => void)[] = [];
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    renderJob(
      () => ({ ...FAILED, state: "RUNNING", error: null }),
      ({ path }) =>
        path.endsWith("/logs")
          ? new Promise((done) => waiting.push(() => done(logPage("RUNNING", 1))))
          : undefined,
      "?tab=log",
    );
    await waitFor(() => expect(waiting).toHaveLength(1));
    await act(() => vi.advanceTimersByTimeAsync(12_000));
    expect(waiting).toHaveLength(1);
    await act(async () => waiting.shift()?.());
    expect(await screen.findByText(/^1 line, more may follow/)).toBeDefined();
    await act(() => vi.advanceTimersByTimeAsync(6_000));
    expect(waiting).toHaveLength(1);
  } finally {
    vi.useRealTimers();
  }
});

it("folds and searches the parameters", async () => {
  const job = aJob({ job_id: ID, parameters: { steps: [{ deep: { name: "needle" } }] }, result: null });
  renderJob(() => job, undefined, "?tab=data");
  const part = await screen.findByRole("region", { name: "parameters" });
  expect(within(part).queryByText('"needle"')).toBeNull();
  await userEvent.type(within(part).getByLabelText("search in parameters"), "needle");
  await within(part).findByText('"needle"');
  expect(within(part).getByText("1 found")).toBeDefined();
  expect(within(screen.getByRole("region", { name: "result" })).getByText("none")).toBeDefined();
});

it.each(["", "?tab=log", "?tab=data", "?tab=history"])("shows hostile texts as texts%s", async (search) => {
  const text = HOSTILE.join("\n");
  const job = aJob({
    ...FAILED,
    key: text,
    description: text,
    tags: { [text]: text },
    submitted_by: text,
    parameters: { [text]: text },
    error: { code: text, message: text, upstream_id: null, last_lines: [...HOSTILE] },
    history: FAILED.history.map((step) => ({ ...step, actor: text, reason: text })),
  });
  renderJob(
    () => job,
    ({ path }) =>
      path.endsWith("/logs")
        ? {
            job_id: ID,
            state: "FAILED",
            attempt: 2,
            log_group: "g",
            log_stream: "s",
            missing: 0,
            looked_to: null,
            cursor: null,
            lines: HOSTILE.map((each, place) => ({ at: null, number: place + 1, text: each })),
          }
        : undefined,
    search,
  );
  await screen.findAllByText(/<script>/);
  expect(document.querySelector("script, img")).toBeNull();
  expect(document.body.textContent).not.toContain("\u202e");
  expect(window).not.toHaveProperty("harmed");
});

it.each(["summary", "log", "data", "neighbours", "history"])(
  "has no faults of accessibility: %s",
  async (tab) => {
    const job = { ...FAILED, progress: { fraction: 0.4, message: "rows" }, parameters: { a: [1, { b: 2 }] } };
    renderJob(
      () => job,
      ({ path }) => {
        if (path.endsWith("/dependencies")) return { job_id: ID, dependencies: [], cursor: null };
        if (path.endsWith("/dependents")) return { job_id: ID, dependents: [], cursor: null };
        const line = { at: "2026-12-01T08:00:00.000Z", number: 1, text: "printed" };
        return path.endsWith("/logs")
          ? {
              job_id: ID,
              state: "FAILED",
              attempt: 2,
              log_group: "g",
              log_stream: "s",
              missing: 0,
              looked_to: null,
              cursor: null,
              lines: [line],
            }
          : undefined;
      },
      `?tab=${tab}`,
    );
    await screen.findByRole("navigation", { name: "parts of the job" });
    if (tab === "log") await screen.findByText(/1 line, that is all/);
    if (tab === "neighbours") await screen.findByText("No job depends on it.");
    expect(await faultsOf(document.body)).toEqual([]);
  },
);
