import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { faultsOf } from "../../testing/axe";
import { compactGraph } from "../../testing/graphs";
import { type Answers, type Asked, ME, refusal, showAt } from "../../testing/show";

const ID = "00000000000000000000000008";
const HERE = `/workflows/${ID}`;
const API = `/v1/workflows/${ID}`;

const WORKFLOW = {
  workflow_id: ID,
  name: "nightly",
  created_at: "2026-11-29T09:59:00.000Z",
  submitted_by: "arn:aws:iam::123456789012:user/ann",
  namespace: null,
  tags: { team: "data" },
  job_count: 81,
  state: "FAILED",
  counts: {},
  started_at: null,
  ended_at: null,
  critical_path_seconds: null,
  jobs: [],
  cursor: null,
};

/** Forty jobs that fetch, forty that check one each, and one that reports. */
const PARENTS = [
  ...Array.from({ length: 40 }, () => []),
  ...Array.from({ length: 40 }, (_, place) => [place]),
  Array.from({ length: 40 }, (_, place) => 40 + place),
];
const GRAPH = compactGraph(PARENTS, (job) => (job < 40 ? "fetch" : job < 80 ? "check" : "report"));

const STATES = {
  workflow_id: ID,
  state: "FAILED",
  counts: { SUCCEEDED: 79, FAILED: 1, SKIPPED: 1 },
  started_at: "2026-11-29T10:00:00.000Z",
  ended_at: "2026-11-29T10:03:20.000Z",
  critical_path_seconds: null,
  job_count: 81,
  version: "7",
  states: `${"S".repeat(47)}F${"S".repeat(32)}K`,
  changes: {},
};

const ANSWERS: Answers = {
  [`GET ${API}`]: WORKFLOW,
  [`GET ${API}/graph`]: { ...GRAPH },
  [`GET ${API}/states`]: STATES,
};

function jobRow(index: number, more: object = {}) {
  return {
    job_id: `${ID}.${index}`,
    state: "SUCCEEDED",
    pool: "lambda",
    attempt: 1,
    started_at: "2026-11-29T10:00:00.000Z",
    finished_at: "2026-11-29T10:00:10.000Z",
    actual_duration_seconds: 10,
    estimated_duration_seconds: null,
    worker: null,
    worker_name: null,
    error: null,
    ...more,
  };
}

describe("the groups", () => {
  it("come first, after three calls, with counts, failures and words", async () => {
    const { asked } = showAt(HERE, ANSWERS);
    const picture = await screen.findByRole("group", { name: "3 groups of jobs by type and level" });
    const boxes = within(picture).getAllByRole("button");
    expect(boxes.map((box) => box.textContent)).toEqual([
      "fetchlevel 140 of 40 ended",
      "1 failedchecklevel 240 of 40 ended",
      "job-80level 3, report1 of 1 ended",
    ]);
    expect(
      within(boxes[1] ?? picture)
        .getByRole("img")
        .getAttribute("aria-label"),
    ).toBe("1 FAILED, 39 SUCCEEDED");
    expect(
      asked
        .map(({ call }) => call)
        .filter((call) => call !== "GET /v1/me")
        .sort(),
    ).toEqual([`GET ${API}/graph`, `GET ${API}/states`, `GET ${API}?limit=1`]);
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("nightly");
    expect(screen.getByText("3 min 20 s")).toBeDefined();
  });

  it("are walked with the arrow keys, and open into a list of their jobs", async () => {
    showAt(HERE, ANSWERS);
    const picture = await screen.findByRole("group", { name: /groups of jobs/ });
    const [fetchBox, checkBox] = within(picture).getAllByRole("button");
    const user = userEvent.setup();
    fetchBox?.focus();
    await user.keyboard("{ArrowRight}");
    expect(document.activeElement).toBe(checkBox);
    await user.keyboard("{Enter}");
    const jobs = await screen.findByRole("grid", { name: "jobs of check, level 2" });
    expect(jobs.getAttribute("aria-rowcount")).toBe("41");
    await user.click(
      within(screen.getByRole("group", { name: "states" })).getByRole("button", { name: "1 FAILED" }),
    );
    await waitFor(() => expect(jobs.getAttribute("aria-rowcount")).toBe("2"));
    expect(window.location.search).toContain("state=FAILED");
  });
});

it("still shows that it reads where the other read has an answer and fails later", async () => {
  let states: unknown = STATES;
  const { queries } = showAt(HERE, {
    ...ANSWERS,
    [`GET ${API}`]: () => new Promise(() => undefined),
    [`GET ${API}/states`]: () => states,
  });
  await screen.findByRole("group", { name: /groups of jobs/ });
  expect(screen.getByRole("status", { name: "loading" })).toBeDefined();
  states = new Response("", { status: 503 });
  await act(() => queries.refetchQueries({ queryKey: ["workflow", ID, "states"] }));
  await screen.findByText(/^The API does not answer as it should/);
  expect(screen.getByRole("status", { name: "loading" })).toBeDefined();
});

it("keeps the details of an open job while the read of its next state fails", async () => {
  let states: object = { ...STATES, state: "RUNNING", states: "R".repeat(81) };
  let row: unknown = jobRow(3, { state: "RUNNING", worker_name: "nightly-worker", worker: "w-1" });
  const { queries } = showAt(`${HERE}?job=${ID}.3`, {
    ...ANSWERS,
    [`GET ${API}/states`]: () => states,
    [`GET /v1/jobs/${ID}.3`]: () => row,
  });
  queries.setDefaultOptions({ queries: { retry: false } });
  await screen.findByText(/nightly-worker/);
  row = new Response("", { status: 503 });
  states = { ...STATES, version: "8" };
  await act(() => queries.refetchQueries({ queryKey: ["workflow", ID, "states"] }));
  await screen.findByText(/^The API does not answer as it should/);
  expect(screen.getByText(/nightly-worker/)).toBeDefined();
  expect(screen.queryByText("No answer")).toBeNull();
});

it("shows ranges of levels as columns with their types where there are too many groups", async () => {
  const chain = Array.from({ length: 400 }, (_, job) => (job === 0 ? [] : [job - 1]));
  showAt(HERE, {
    ...ANSWERS,
    [`GET ${API}/graph`]: compactGraph(chain, (job) => (job % 2 === 0 ? "fetch" : "check")),
    [`GET ${API}/states`]: { ...STATES, job_count: 400, states: `SF${"P".repeat(398)}` },
  });
  const picture = await screen.findByRole("group", { name: "134 groups of jobs by level" });
  const columns = within(picture).getAllByRole("button");
  expect(columns[0]?.getAttribute("aria-label")).toBe(
    "levels 1 to 3: 1 PENDING, 1 FAILED, 1 SUCCEEDED; fetch 2, check 1",
  );
  const user = userEvent.setup();
  columns[0]?.focus();
  await user.keyboard("{ArrowRight}");
  expect(document.activeElement).toBe(columns[1]);
  expect(screen.getByText("levels 4 to 6: 3 PENDING; check 2, fetch 1")).toBeDefined();
  await user.keyboard("{Enter}");
  const jobs = await screen.findByRole("grid", { name: "jobs of levels 4 to 6" });
  expect(jobs.getAttribute("aria-rowcount")).toBe("4");
  expect(await faultsOf(screen.getByRole("main"))).toEqual([]);
});

it("says how long what is left takes by its estimates, and what it does not know", async () => {
  const estimated = compactGraph(
    [[], [0], [1]],
    () => "fetch",
    (job) => (job === 1 ? null : 90),
  );
  showAt(HERE, {
    ...ANSWERS,
    [`GET ${API}/graph`]: estimated,
    [`GET ${API}/states`]: { ...STATES, state: "RUNNING", job_count: 3, states: "SRP", ended_at: null },
  });
  const left = await screen.findByText(/at least 1 min 30 s, until .* UTC \(1 job has no estimate\)/);
  expect(left.title).toContain("waiting for free slots");
});

it("goes from the workflow to its first failure and why it failed", async () => {
  const error = { code: "exception", message: "no\u202espace", upstream_id: null, last_lines: ["Traceback"] };
  showAt(HERE, { ...ANSWERS, [`GET /v1/jobs/${ID}.47`]: jobRow(47, { state: "FAILED", error }) });
  await userEvent.setup().click(await screen.findByRole("button", { name: "First failure" }));
  const panel = await screen.findByRole("complementary", { name: "job job-47" });
  await within(panel).findByText("no\\u202espace");
  expect(within(panel).getByText("Traceback")).toBeDefined();
  expect(within(panel).getByRole("link", { name: "Open the job" }).getAttribute("href")).toBe(
    `/jobs/${ID}.47`,
  );
  expect(within(panel).getByRole("button", { name: "job-7" })).toBeDefined();
  await userEvent.setup().keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByRole("complementary", { name: "job job-47" })).toBeNull());
});

it("shows what is around a job, and says how near", async () => {
  showAt(`${HERE}?view=graph&around=47&up=1&down=1`, ANSWERS);
  const picture = await screen.findByRole("group", { name: "3 jobs and their dependencies" });
  const boxes = within(picture).getAllByRole("button");
  expect(boxes.map((box) => box.textContent)).toEqual([
    "SUCCEEDEDjob-7fetch",
    "FAILEDjob-47check",
    "SKIPPEDjob-80report",
  ]);
  expect(boxes.map((box) => box.getAttribute("aria-current"))).toEqual([null, "true", null]);
  await userEvent.setup().click(screen.getByRole("button", { name: "Show the whole workflow" }));
  await screen.findByRole("group", { name: "81 jobs and their dependencies" });
});

it("asks for changes alone, and never for the graph again", async () => {
  let state = "RUNNING";
  const { asked } = showAt(HERE, {
    ...ANSWERS,
    [`GET ${API}/states`]: ({ query }: Asked) =>
      query.has("since")
        ? {
            ...STATES,
            version: "8",
            states: null,
            changes: { F: [48] },
            counts: { FAILED: 2 },
            state: "FAILED",
          }
        : { ...STATES, state },
    [`POST ${API}/hold`]: () => {
      state = "HELD";
      return { complete: true, cursor: null, changed: 1 };
    },
  });
  await userEvent.setup().click(await screen.findByRole("button", { name: "Hold" }));
  await waitFor(() => expect(asked.map(({ call }) => call)).toContain(`GET ${API}/states?since=7`));
  const picture = await screen.findByRole("group", { name: /groups of jobs/ });
  await waitFor(() => expect(picture.textContent).toContain("2 failed"));
  expect(asked.map(({ call }) => call).filter((call) => call.endsWith("/graph")).length).toBe(1);
});

describe("an act", () => {
  const foreseen = {
    reopened: 1,
    left_at_limit: 0,
    left_without_upstream: 0,
    workflow_id: ID,
    dry_run: true,
  };

  it("says before what it opens, portion by portion", async () => {
    const bodies: unknown[] = [];
    showAt(HERE, {
      ...ANSWERS,
      [`POST ${API}/rerun`]: ({ query, body }: Asked) => {
        bodies.push(body);
        const first = !query.has("cursor");
        return { ...foreseen, complete: !first, cursor: first ? "on" : null };
      },
    });
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Rerun from failures" }));
    const dialog = await screen.findByRole("dialog", { name: "Rerun from the failures?" });
    await within(dialog).findByText("2 jobs");
    expect(dialog.textContent).toContain("1 FAILED, 1 SKIPPED");
    expect(dialog.textContent).toContain("By type: check 1, report 1.");
    await user.click(within(dialog).getByRole("button", { name: "Rerun" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(bodies.map((body) => JSON.stringify(body))).toEqual([
      '{"dry_run":true}',
      '{"dry_run":true}',
      '{"dry_run":false}',
      '{"dry_run":false}',
    ]);
  });

  it.each([
    [{ cancelled: 110, asked: 0, ended: 1 }, "This cancels 110 jobs at once. It leaves 1 job that ended."],
    [
      { cancelled: 4, asked: 1, ended: 0 },
      "This cancels 4 jobs at once, and asks the workers of 1 job to stop.",
    ],
  ])("says before what a cancellation reaches: %j", async (foreseen, sentence) => {
    showAt(HERE, {
      ...ANSWERS,
      [`GET ${API}/states`]: { ...STATES, state: "HELD", ended_at: null },
      [`POST ${API}/cancel`]: { ...foreseen, workflow_id: ID, dry_run: true, complete: true, cursor: null },
    });
    const user = userEvent.setup();
    await user.click(await screen.findByRole("button", { name: "Cancel" }));
    const dialog = await screen.findByRole("dialog", { name: "Cancel the workflow?" });
    await waitFor(() => expect(dialog.textContent).toContain(sentence));
  });

  it("that is not possible says why", async () => {
    showAt(HERE, { ...ANSWERS, "GET /v1/me": { ...ME, role: "viewer" } });
    const rerun = () => screen.getByRole("button", { name: "Rerun from failures" });
    await waitFor(() => expect(rerun().getAttribute("aria-disabled")).toBe("true"));
    await userEvent.setup().hover(rerun());
    expect((await screen.findByRole("tooltip")).textContent).toContain("your role is viewer");
  });
});

it("lists, filters and sorts the jobs without a request", async () => {
  const { asked } = showAt(`${HERE}?view=jobs&q=check&sort=state`, ANSWERS);
  const jobs = await screen.findByRole("grid", { name: "jobs of the workflow" });
  expect(jobs.getAttribute("aria-rowcount")).toBe("41");
  expect(within(jobs).getAllByRole("row")[1]?.textContent).toContain("FAILEDjob-47");
  expect(asked.map(({ call }) => call).some((call) => call.startsWith("GET /v1/jobs"))).toBe(false);
});

it("maps every job by level, with the table of the same jobs as its words", async () => {
  const { asked } = showAt(`${HERE}?view=map`, ANSWERS);
  await screen.findByRole("img", {
    name: "81 jobs by level: 1 FAILED, 1 SKIPPED, 79 SUCCEEDED; listed in the table below",
  });
  const jobs = screen.getByRole("grid", { name: "jobs of the workflow, by level" });
  expect(jobs.getAttribute("aria-rowcount")).toBe("82");
  const user = userEvent.setup();
  await user.click(
    within(screen.getByRole("group", { name: "states" })).getByRole("button", { name: "1 FAILED" }),
  );
  await waitFor(() => expect(jobs.getAttribute("aria-rowcount")).toBe("2"));
  expect(asked.some(({ path }) => path === "/v1/jobs")).toBe(false);
});

it("tells and opens the job under the pointer", async () => {
  showAt(`${HERE}?view=map`, ANSWERS);
  const map = await screen.findByRole("img", { name: /jobs by level/ });
  // The first forty jobs have the first level, twenty-one of them in a column of 420 pixels.
  fireEvent.mouseMove(map, { clientX: 5, clientY: 25 });
  expect(screen.getByText("job-1: SUCCEEDED, fetch, level 1")).toBeDefined();
  fireEvent.mouseMove(map, { clientX: 1_190, clientY: 25 });
  expect(screen.queryByText(/job-1: /)).toBeNull();
  fireEvent.click(map, { clientX: 25, clientY: 5 });
  await waitFor(() => expect(window.location.search).toContain("job=21"));
});

it("draws the timeline from a page of jobs, and says so", async () => {
  const { asked } = showAt(`${HERE}?view=timeline`, {
    ...ANSWERS,
    "GET /v1/jobs": ({ query }: Asked) =>
      query.has("cursor")
        ? { jobs: [jobRow(41)], looked_at: 1, cursor: null }
        : {
            // The third waits for another attempt, and the API still tells when the last one started.
            jobs: [jobRow(0), jobRow(1), jobRow(2, { state: "READY", finished_at: null })],
            looked_at: 3,
            cursor: "on",
          },
  });
  await screen.findByText(/Drawn from the first 3 of 81 jobs/);
  expect(
    screen.getByRole("img", { name: "fetch, level 1: 2 bars, listed in the table below" }),
  ).toBeDefined();
  const bars = screen.getByRole("grid", { name: "the bars of the timeline, earliest first" });
  expect(bars.textContent).toContain("2026-11-29 10:00:00 UTC");
  await userEvent.setup().click(screen.getByRole("button", { name: "Read 200 more" }));
  await screen.findByText(/Drawn from all 4 jobs/);
  expect(asked.map(({ call }) => call)).toContain(`GET /v1/jobs?workflow=${ID}&limit=200&cursor=on`);
});

it("reads all jobs of the timeline one page after the other, and stops when asked to", async () => {
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { asked } = showAt(`${HERE}?view=timeline`, {
    ...ANSWERS,
    "GET /v1/jobs": async ({ query }: Asked) => {
      const page = Number(query.get("cursor") ?? 0);
      if (page === 2) await held;
      return { jobs: [jobRow(page)], looked_at: 1, cursor: page === 5 ? null : String(page + 1) };
    },
  });
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "Read all" }));
  await screen.findByText(/Drawn from the first 2 of 81 jobs/);
  await user.click(screen.getByRole("button", { name: "Stop" }));
  release();
  await screen.findByText(/Drawn from the first 3 of 81 jobs/);
  await user.click(screen.getByRole("button", { name: "Read all" }));
  await screen.findByText(/Drawn from all 6 jobs/);
  expect(screen.queryByRole("button", { name: "Stop" })).toBeNull();
  expect(asked.filter(({ path }) => path === "/v1/jobs")).toHaveLength(6);
});

it("lists the critical path with what is measured and what is estimated", async () => {
  showAt(`${HERE}?view=critical`, {
    ...ANSWERS,
    [`GET ${API}/critical-path`]: {
      workflow_id: ID,
      job_count: 81,
      version: "7",
      state: "FAILED",
      seconds: 12.5,
      measured_seconds: 10,
      jobs: [7, 47],
      keys: ["job-7", "job-47"],
      states: ["SUCCEEDED", "FAILED"],
      job_seconds: [10, 2.5],
      known_by: ["MEASURED", "ESTIMATED"],
    },
  });
  const path = await screen.findByRole("grid", { name: "the critical path, first job first" });
  expect(within(path).getAllByRole("row")[2]?.textContent).toBe("FAILEDjob-472.5 sestimated20 %");
});

it("still shows a workflow of which no graph is stored", async () => {
  const { [`GET ${API}/graph`]: _, ...without } = ANSWERS;
  showAt(HERE, {
    ...without,
    [`GET ${API}/graph`]: refusal(404, "not-found"),
  });
  const link = await screen.findByRole("link", { name: "List its jobs" });
  expect(link.getAttribute("href")).toBe(`/jobs?workflow=${ID}`);
  expect(screen.queryByRole("tab")).toBeNull();
});

describe("accessibility", () => {
  // Few jobs are enough to see a fault, and axe looks at each of them.
  const MORE: Answers = {
    ...ANSWERS,
    [`GET ${API}/graph`]: {
      ...compactGraph([[], [], [0], [1], [2, 3]], (job) =>
        job < 2 ? "fetch" : job < 4 ? "check" : "report",
      ),
    },
    [`GET ${API}/states`]: { ...STATES, job_count: 5, states: "SSSFK" },
    "GET /v1/jobs": { jobs: [jobRow(0), jobRow(1)], looked_at: 2, cursor: null },
    [`GET /v1/jobs/${ID}.3`]: jobRow(3),
  };

  it.each([
    ["groups&group=1-1&job=3", /jobs of check/],
    ["map", /jobs of the workflow, by level/],
    ["timeline", /bars of the timeline/],
  ])("has no faults in the view %s", async (search, name) => {
    showAt(`${HERE}?view=${search}`, MORE);
    await waitFor(() =>
      expect(
        [...screen.queryAllByRole("grid", { name }), ...screen.queryAllByRole("group", { name })].length,
      ).toBe(1),
    );
    expect(await faultsOf(screen.getByRole("main"))).toEqual([]);
  });
});
