import { act, cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { faultsOf } from "../../testing/axe";
import { aCaller, aJob, HOSTILE, type Job } from "../../testing/jobs";
import { type Answer, type Asked, searchNow, showAt } from "../../testing/show";

const ID = (place: number) => `6WRG02RMBSYB4S71Q0B9AKQ2TE.${place}`;

/** Answers a listing with `jobs`, and acts on each of them as its state allows. */
function answering(jobs: () => readonly Job[], role = "client"): Answer {
  return ({ method, path, body }: Asked) => {
    if (path === "/v1/me") return aCaller(role);
    if (path === "/v1/jobs") return { jobs: jobs(), looked_at: jobs().length, cursor: null };
    const [, , , id, verb] = path.split("/");
    const job = jobs().find((each) => each.job_id === id);
    if (job === undefined) return undefined;
    if (method === "GET") return verb === undefined ? job : undefined;
    if (verb === "cancel" && job.state === "SUCCEEDED") {
      const detail = `job ${job.job_id} has ended`;
      return Response.json(
        { type: "urn:tidegate:problem:already-ended", title: "Ended", status: 409, detail, errors: [] },
        { status: 409 },
      );
    }
    const dry = typeof body === "object" && body !== null && "dry_run" in body && body.dry_run === true;
    if (dry) return job;
    return job.state === "RUNNING"
      ? Response.json(job, { status: 202 })
      : { ...job, state: verb === "cancel" ? "CANCELLED" : job.state };
  };
}

const FOUR = [
  aJob({ job_id: ID(0), key: "extract", state: "RUNNING" }),
  aJob({ job_id: ID(1), key: "load", state: "READY" }),
  aJob({ job_id: ID(2), key: "check", state: "SUCCEEDED" }),
  aJob({ job_id: ID(3), key: "report", state: "PENDING" }),
];

it("asks for what the address names, and removes a filter with its chip", async () => {
  const { asked: calls } = showAt(
    "/jobs?state=FAILED,TIMED_OUT&tag=team%3Ddata&pool=ecs&order=newest",
    answering(() => FOUR),
  );
  await screen.findByText("extract");
  const asked = calls.find((call) => call.path === "/v1/jobs");
  expect(asked?.query.getAll("state")).toEqual(["FAILED", "TIMED_OUT"]);
  expect(asked?.query.getAll("tag")).toEqual(["team=data"]);
  expect(asked?.query.get("direction")).toBe("desc");
  await userEvent.click(screen.getByRole("button", { name: /remove the filter pool ecs/ }));
  await waitFor(() => expect(searchNow()).not.toHaveProperty("pool"));
  expect(searchNow()).toMatchObject({ state: "FAILED,TIMED_OUT", tag: "team=data" });
});

it("shows the verdicts about times to finish by where a job has one, and asks for one of them", async () => {
  const judgement = { verdict: "missed", probability: 0, judged_at: "2026-12-01T08:00:00.000Z" } as const;
  const late = aJob({ job_id: ID(4), finish_by: "2026-12-01T08:00:00.000Z", judgement });
  showAt(
    "/jobs",
    answering(() => [...FOUR, late]),
  );
  await screen.findByText("extract");
  const mark = screen.getByText("missed", { selector: "[role=gridcell] *" }).closest("[title]");
  expect(mark?.getAttribute("title")).toMatch(/^It ought to end by 2026-12-01 08:00:00 UTC$/);
  await userEvent.click(screen.getByRole("button", { name: "More filters" }));
  await userEvent.selectOptions(screen.getByLabelText("time to finish by"), "at-risk");
  await userEvent.click(screen.getByRole("button", { name: "Apply" }));
  await waitFor(() => expect(searchNow()).toEqual({ verdict: "at-risk" }));
  await userEvent.click(await screen.findByRole("button", { name: /remove the filter .* at risk/ }));
  await waitFor(() => expect(searchNow()).toEqual({}));
});

it("takes all of more filters or says which is wrong, and keeps the focus", async () => {
  showAt(
    "/jobs",
    answering(() => FOUR),
  );
  const more = await screen.findByRole("button", { name: "More filters" });
  await userEvent.click(more);
  const waits = screen.getByLabelText(/waits longer than/);
  await userEvent.type(waits, "99999999999{Enter}");
  await screen.findByText("This is no valid value");
  await userEvent.clear(waits);
  await userEvent.type(waits, "600{Enter}");
  await waitFor(() => expect(searchNow()).toEqual({ waits_longer_than: "600" }));
  expect(document.activeElement).toBe(more);
  await userEvent.click(await screen.findByRole("button", { name: "Remove all" }));
  await waitFor(() => expect(searchNow()).toEqual({}));
  expect(document.activeElement).toBe(screen.getByLabelText(/beginning of a name/));
});

it("goes to a job by its id, and searches names otherwise", async () => {
  showAt(
    "/jobs",
    answering(() => FOUR),
  );
  const field = await screen.findByLabelText(/beginning of a name/);
  await userEvent.type(field, "night{Enter}");
  await waitFor(() => expect(searchNow()).toMatchObject({ name: "night" }));
  const again = await screen.findByLabelText(/beginning of a name/);
  await userEvent.clear(again);
  await userEvent.type(again, `${ID(1).toLowerCase()}{Enter}`);
  await waitFor(() => expect(window.location.pathname).toBe(`/jobs/${ID(1)}`));
});

it("opens a job beside the list under an address of its own, and closes it with Escape", async () => {
  showAt(
    "/jobs?pool=lambda",
    answering(() => FOUR),
  );
  await userEvent.click(await screen.findByText("READY", { selector: "[role=gridcell] *" }));
  await waitFor(() => expect(searchNow()).toMatchObject({ job: ID(1), pool: "lambda" }));
  const panel = await screen.findByRole("region", { name: `job ${ID(1)}` });
  expect(within(panel).getByText("Why is it not running?")).toBeDefined();
  await userEvent.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByRole("region", { name: `job ${ID(1)}` })).toBeNull());
  expect(searchNow()).toMatchObject({ pool: "lambda" });
});

it("foresees a cancellation of mixed jobs, and tells the outcome of each", async () => {
  const { asked: calls } = showAt(
    "/jobs",
    answering(() => FOUR),
  );
  const rows = await screen.findAllByRole("row");
  // The first row selects, and Shift selects all up to the third one.
  fireEvent.click(rows[1] as HTMLElement, { ctrlKey: true });
  fireEvent.click(rows[3] as HTMLElement, { shiftKey: true });
  await screen.findByText("3 selected");
  const cancel = screen.getByRole("button", { name: "cancel 2 of 3…" });
  await userEvent.hover(cancel);
  expect((await screen.findByRole("tooltip")).textContent).toMatch(/^1 can't: it has ended/);
  await userEvent.click(cancel);
  const confirm = await screen.findByRole("button", { name: "cancel 2 jobs" });
  const dialog = within(screen.getByRole("dialog"));
  expect(dialog.getByText(/1 can't: it has ended/)).toBeDefined();
  expect(dialog.getByText(/of which 1 run/)).toBeDefined();
  const writes = () =>
    calls.filter((call) => call.method === "POST" && !JSON.stringify(call.body).includes('"dry_run":true'));
  expect(writes()).toHaveLength(0);
  await userEvent.click(confirm);
  await screen.findByText(/1 done, 1 asked, 1 left/);
  expect(writes().map((call) => call.path)).toEqual([`/v1/jobs/${ID(0)}/cancel`, `/v1/jobs/${ID(1)}/cancel`]);
});

it("acts on all that the filter names, page by page, in the states in which it has an effect", async () => {
  const told = (place: number) => ({ job_id: ID(place), outcome: "DONE", state: "READY", reason: null });
  const { asked: calls } = showAt("/jobs?pool=ecs", (call) => {
    if (call.path !== "/v1/jobs/hold") return answering(() => FOUR)(call);
    const second = JSON.stringify(call.body).includes('"cursor":"next"');
    const jobs = second ? [told(3)] : [told(1), told(2)];
    return {
      jobs,
      done: jobs.length,
      asked: 0,
      left: 0,
      looked_at: 9,
      cursor: second ? null : "next",
      dry_run: true,
    };
  });
  await userEvent.click(await screen.findByRole("button", { name: /Act on all jobs/ }));
  await userEvent.click(screen.getByRole("button", { name: "hold…" }));
  await userEvent.click(await screen.findByRole("button", { name: "hold 3 jobs" }));
  await screen.findByText(/3 done, 0 asked, 0 left/);
  const bodies = calls.filter((call) => call.path === "/v1/jobs/hold").map((call) => call.body);
  expect(bodies).toHaveLength(4);
  expect(bodies[0]).toMatchObject({
    filter: { pool: "ecs", state: "READY,SCHEDULED,PENDING" },
    dry_run: true,
  });
  expect(bodies[3]).toMatchObject({ cursor: "next", dry_run: false });
});

it("goes on in sight while it acts, counts all that a filter names, and stops by its button alone", async () => {
  const outcome = (place: number, each: string) => ({
    job_id: ID(place),
    outcome: each,
    state: "READY",
    reason: each === "LEFT" ? "it has ended" : null,
  });
  const waiting: (() => void)[] = [];
  const portion = { jobs: [outcome(0, "DONE"), outcome(1, "LEFT")], cursor: "more" };
  const listing = answering(() => FOUR);
  showAt("/jobs", (asked: Asked) => {
    if (asked.path !== "/v1/jobs/cancel") return listing(asked);
    const { dry_run, cursor } = asked.body as { dry_run: boolean; cursor: string | null };
    if (dry_run) return { ...portion, cursor: cursor === null ? "more" : null };
    return new Promise((done) => waiting.push(() => done(portion)));
  });
  await userEvent.click(await screen.findByRole("button", { name: /^Act on all jobs/ }));
  await userEvent.click(screen.getByRole("button", { name: "cancel…" }));
  await userEvent.click(await screen.findByRole("button", { name: "cancel 2 jobs" }));
  await waitFor(() => expect(waiting).toHaveLength(1));
  await act(async () => waiting.shift()?.());
  await screen.findByText("2 of 4 jobs");
  await userEvent.keyboard("{Escape}");
  await userEvent.click(await screen.findByRole("button", { name: "Stop" }));
  await act(async () => waiting.shift()?.());
  expect(await screen.findByText(/stopped before the end/)).toBeDefined();
});

it("acts on the rows that somebody selects, and no more on all of them", async () => {
  showAt(
    "/jobs",
    answering(() => FOUR),
  );
  await userEvent.click(await screen.findByRole("button", { name: /^Act on all jobs/ }));
  await userEvent.click(screen.getByRole("checkbox", { name: `select ${ID(1)}` }));
  expect(screen.getByText("1 selected")).toBeDefined();
  expect(screen.getByRole("button", { name: "cancel 1…" })).toBeDefined();
});

it("disables acts that the role does not allow, with the reason", async () => {
  showAt(
    "/jobs",
    answering(() => FOUR, "viewer"),
  );
  await userEvent.click(await screen.findByRole("button", { name: /Act on all jobs/ }));
  const button = await screen.findByRole("button", { name: "cancel…" });
  await waitFor(() => expect(button.getAttribute("aria-disabled")).toBe("true"));
  await userEvent.hover(button);
  expect((await screen.findByRole("tooltip")).textContent).toContain("your role is viewer");
  await userEvent.click(button);
  expect(screen.queryByRole("dialog")).toBeNull();
});

it("keeps the rows where they are, and says how many are new", async () => {
  let jobs = FOUR.slice(0, 3);
  const { queries } = showAt(
    "/jobs",
    answering(() => jobs),
  );
  await screen.findByText("load");
  await waitFor(() => expect(queries.isFetching()).toBe(0));
  jobs = [
    aJob({ job_id: ID(9), key: "fresh" }),
    { ...(FOUR[0] as Job), state: "FAILED" },
    ...FOUR.slice(1, 3),
  ];
  await act(() => queries.refetchQueries({ queryKey: ["jobs-changed"] }));
  const pill = await screen.findByRole("button", { name: "1 new: show" });
  expect(screen.queryByText("fresh")).toBeNull();
  expect(screen.getAllByText("FAILED", { selector: "[role=gridcell] *" })).toHaveLength(1);
  await userEvent.click(pill);
  await screen.findByText("fresh");
});

it("says the next command where there are no jobs, and that a filter hides them", async () => {
  showAt(
    "/jobs",
    answering(() => []),
  );
  await screen.findByText(/tidegate submit/);
  cleanup();
  showAt(
    "/jobs?pool=ecs",
    answering(() => []),
  );
  await screen.findByText("No job fits these filters");
});

it("shows hostile texts as texts", async () => {
  const jobs = HOSTILE.map((text, place) =>
    aJob({ job_id: ID(place), name: text, type: text, tags: { a: text } }),
  );
  showAt(
    `/jobs?job=${ID(0)}`,
    answering(() => jobs),
  );
  await screen.findAllByText(/<script>/);
  expect(document.querySelector("script, img")).toBeNull();
  expect(document.body.textContent).not.toContain("\u202e");
  expect(document.body.textContent).toContain("\\u202e");
  expect(window).not.toHaveProperty("harmed");
});

it("has no faults of accessibility, with a panel, a selection and a dialog", async () => {
  showAt(
    `/jobs?pool=lambda&job=${ID(1)}`,
    answering(() => FOUR),
  );
  const rows = await screen.findAllByRole("row");
  await screen.findByRole("region", { name: `job ${ID(1)}` });
  await userEvent.click(screen.getByRole("button", { name: "More filters" }));
  fireEvent.click(rows[2] as HTMLElement, { ctrlKey: true });
  await screen.findByText("1 selected");
  expect(await faultsOf(document.body)).toEqual([]);
  await userEvent.click(screen.getByRole("button", { name: "reprioritise 1…" }));
  await screen.findByRole("dialog");
  expect(await faultsOf(document.body)).toEqual([]);
});

it("keeps the focus in the search, and brings the focus back to the row", async () => {
  showAt(
    "/jobs?state=READY",
    answering(() => FOUR),
  );
  const field = await screen.findByLabelText(/beginning of a name/);
  await userEvent.type(field, "lo{Enter}");
  await waitFor(() => expect(searchNow()).toMatchObject({ name: "lo" }));
  expect(document.activeElement).toBe(field);
  await screen.findByText("report");
  const row = screen.getAllByRole("row")[4] as HTMLElement;
  act(() => row.focus());
  await userEvent.click(within(row).getByRole("link"));
  await waitFor(() => expect(window.location.pathname).toBe(`/jobs/${ID(3)}`));
  act(() => window.history.back());
  await screen.findByText("report");
  expect(searchNow()).toMatchObject({ state: "READY", name: "lo" });
  await waitFor(() => expect(document.activeElement?.textContent).toContain("report"));
});

it("is one stop for Tab, whose rows the arrows reach", async () => {
  showAt(
    "/jobs",
    answering(() => FOUR),
  );
  await screen.findByText("extract");
  const rows = screen.getAllByRole("row").slice(1);
  const stops = () => rows.filter((row) => row.tabIndex === 0);
  expect(stops()).toEqual([rows[0]]);
  act(() => rows[0]?.focus());
  await userEvent.keyboard("{ArrowDown}{ArrowDown}");
  await waitFor(() => expect(document.activeElement).toBe(rows[2]));
  expect(stops()).toEqual([rows[2]]);
});

it("saves a view under a name in this browser alone, opens it by its link, and forgets it", async () => {
  localStorage.clear();
  showAt(
    "/jobs?pool=ecs&order=newest",
    answering(() => FOUR),
  );
  await screen.findByText("extract");
  const views = screen.getByRole("navigation", { name: "views" });
  await userEvent.click(within(views).getByRole("button", { name: "Save this view" }));
  await userEvent.type(within(views).getByLabelText("name of the view"), "of the ecs pool{Enter}");
  const link = await within(views).findByRole("link", { name: "of the ecs pool" });
  expect(link.getAttribute("aria-current")).toBe("page");
  const stored = JSON.parse(localStorage.getItem("tidegate.settings") ?? "{}");
  expect(stored.views).toEqual([{ name: "of the ecs pool", address: { pool: "ecs", order: "newest" } }]);
  await userEvent.click(within(views).getByRole("link", { name: "Failed in 24 h" }));
  await waitFor(() =>
    expect(searchNow()).toEqual({
      state: "FAILED,TIMED_OUT",
      since: "24h",
      order: "newest",
    }),
  );
  await userEvent.click(within(views).getByRole("link", { name: "of the ecs pool" }));
  await waitFor(() => expect(searchNow()).toEqual({ pool: "ecs", order: "newest" }));
  await userEvent.click(await within(views).findByRole("button", { name: /^Forget/ }));
  expect(within(views).queryByRole("link", { name: "of the ecs pool" })).toBeNull();
  expect(await faultsOf(views)).toEqual([]);
  localStorage.clear();
});
