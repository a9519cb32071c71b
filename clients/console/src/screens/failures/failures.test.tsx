import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { faultsOf } from "../../testing/axe";
import { aCaller, aJob, HOSTILE, type Job } from "../../testing/jobs";
import { type Answer, type Asked, showAt } from "../../testing/show";

const ID = (place: number) => `6WRG02RMBSYB4S71Q0B9AKQ2TE.${place}`;

function failed(place: number, type: string, code: string, message = `row ${place} is broken`): Job {
  return aJob({
    job_id: ID(place),
    type,
    state: "FAILED",
    workflow_id: place % 2 === 0 ? "6WRG02RMBSYB4S71Q0B9AKQ2TE" : null,
    finished_at: new Date(Date.now() - place * 60_000).toISOString(),
    error: { code, message, upstream_id: null, last_lines: [] },
  });
}

function answering(jobs: () => readonly Job[], role = "client"): Answer {
  return ({ path, body }: Asked) => {
    if (path === "/v1/me") return aCaller(role);
    if (path === "/v1/jobs/retry") {
      const { filter, dry_run } = body as { filter: { type: string }; dry_run: boolean };
      const told = jobs()
        .filter((job) => job.type === filter.type)
        .map((job, place) => ({
          job_id: job.job_id,
          outcome: place === 2 ? "LEFT" : "DONE",
          state: "READY",
          reason: place === 2 ? `job ${job.job_id} was reopened as often as is allowed` : null,
        }));
      return { jobs: told, done: 2, asked: 0, left: 1, looked_at: 3, cursor: null, dry_run };
    }
    return { jobs: jobs(), looked_at: jobs().length, cursor: null };
  };
}

const FAILED = [
  failed(1, "load", "raised"),
  failed(2, "load", "raised"),
  failed(3, "load", "raised", "no space"),
  failed(4, "pay", "timed-out"),
];

it("groups failures by type and error, says what the jobs said, and links to them", async () => {
  const { asked } = showAt(
    "/failures?since=7d",
    answering(() => FAILED),
  );
  const groups = await screen.findAllByRole("article");
  expect(groups.map((group) => within(group).getByRole("heading").textContent)).toEqual([
    "load: raised",
    "pay: timed-out",
  ]);
  const [first] = groups as [HTMLElement];
  expect(first.textContent).toContain("3 failed");
  expect(within(first).getByText(/2 × row 1 is broken/)).toBeDefined();
  expect(within(first).getByText(/1 × no space/)).toBeDefined();
  expect(within(first).getByRole("img").getAttribute("aria-label")).toMatch(/failures over the last 7 d/);
  const jobs = within(first).getByRole("link", { name: "see the jobs of load: raised" });
  expect(jobs.getAttribute("href")).toBe(
    "/jobs?state=FAILED%2CTIMED_OUT&type=load&since=7d&order=newest&error=raised",
  );
  const listing = asked.find((call) => call.path === "/v1/jobs");
  expect(listing?.query.getAll("state")).toEqual(["FAILED", "TIMED_OUT"]);
  const back = Date.now() - Date.parse(listing?.query.get("from") ?? "");
  expect(Math.abs(back - 7 * 86_400_000)).toBeLessThan(60_000);
  expect(await faultsOf(document.body)).toEqual([]);
});

it("retries a whole group after it has said how many jobs that are, and which it can't", async () => {
  const { asked } = showAt(
    "/failures",
    answering(() => FAILED),
  );
  const [first] = (await screen.findAllByRole("article")) as [HTMLElement];
  await userEvent.click(within(first).getByRole("button", { name: "Retry all of them…" }));
  const confirm = await screen.findByRole("button", { name: "retry 2 jobs" });
  expect(screen.getByText(/1 can't: it was reopened as often/)).toBeDefined();
  await userEvent.click(confirm);
  await screen.findByText(/2 done, 0 asked, 1 left/);
  const bodies = asked.filter((call) => call.path === "/v1/jobs/retry").map((call) => call.body);
  expect(bodies).toMatchObject([
    { dry_run: true, filter: { state: "FAILED,TIMED_OUT", type: "load", error: "raised" } },
    { dry_run: false, filter: { state: "FAILED,TIMED_OUT", type: "load", error: "raised" } },
  ]);
});

it("moves no group while it is read, and calls new ones by a button", async () => {
  let jobs = FAILED;
  const { queries } = showAt(
    "/failures",
    answering(() => jobs),
  );
  await screen.findAllByRole("article");
  jobs = [
    ...FAILED,
    failed(5, "pay", "timed-out"),
    failed(6, "pay", "timed-out"),
    failed(7, "pay", "timed-out"),
    failed(8, "mail", "raised"),
  ];
  await act(() => queries.refetchQueries({ queryKey: ["jobs", "failures"] }));
  const titles = () => screen.getAllByRole("heading", { level: 2 }).map((title) => title.textContent);
  await screen.findByText("4 failed");
  expect(titles()).toEqual(["load: raised", "pay: timed-out"]);
  await userEvent.click(screen.getByRole("button", { name: "1 new: show" }));
  expect(titles()).toEqual(["pay: timed-out", "load: raised", "mail: raised"]);
});

it("reads some pages, says that there are earlier failures, and looks further when asked", async () => {
  const { asked } = showAt("/failures", ({ path, query }: Asked) => {
    if (path === "/v1/me") return aCaller("client");
    const page = Number(query.get("cursor") ?? 0);
    return {
      jobs: [failed(page + 1, "load", "raised")],
      looked_at: 1,
      cursor: page === 6 ? null : String(page + 1),
    };
  });
  await screen.findByText(/the newest 5 jobs in 1 group/);
  expect(screen.getByText("at least 5 failed")).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Look further back" }));
  await screen.findByText(/7 jobs in 1 group by type and error, that is all/);
  await waitFor(() => expect(screen.queryByRole("button", { name: "Look further back" })).toBeNull());
  expect(asked.filter((call) => call.path === "/v1/jobs")).toHaveLength(12);
});

it("shows a viewer why nothing can be retried, hostile texts as texts, and the next command", async () => {
  let jobs = HOSTILE.map((text, place) => failed(place, text, "raised", text));
  const { queries } = showAt(
    "/failures",
    answering(() => jobs, "viewer"),
  );
  const buttons = await screen.findAllByRole("button", { name: "Retry all of them…" });
  await waitFor(() => expect(buttons[0]?.getAttribute("aria-disabled")).toBe("true"));
  await userEvent.hover(buttons[0] as HTMLElement);
  expect((await screen.findByRole("tooltip")).textContent).toContain("your role is viewer");
  expect(document.querySelector("script, main img")).toBeNull();
  expect(document.body.textContent).not.toContain("\u202e");
  jobs = [];
  await act(() => queries.refetchQueries({ queryKey: ["jobs", "failures"] }));
  await screen.findByText("No job has failed in the last 24h.");
  await screen.findByText(/tidegate jobs list --state FAILED/);
});

it("shows a new failure with the next turn of five seconds, where something failed lately", async () => {
  let jobs = [failed(1, "load", "raised")];
  showAt(
    "/failures",
    answering(() => jobs),
  );
  await screen.findByText("1 failed");
  jobs = [failed(0, "load", "raised"), ...jobs];
  await waitFor(() => screen.getByText("2 failed"), { timeout: 7_000 });
});
