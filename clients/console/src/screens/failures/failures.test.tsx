import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { faultsOf } from "../../testing/axe";
import { aFailureGroup, someFailures } from "../../testing/failures";
import { aCaller, HOSTILE } from "../../testing/jobs";
import { type Answer, type Asked, searchNow, showAt } from "../../testing/show";

type Group = ReturnType<typeof aFailureGroup>;

const LOAD = aFailureGroup({ fingerprint: "a".repeat(16), count: 3, workflow_count: 1 });
const FULL = aFailureGroup({
  fingerprint: "b".repeat(16),
  pattern: "no space",
  message: "no space",
  count: 2,
});
const MUTED = aFailureGroup({
  fingerprint: "c".repeat(16),
  type: "pay",
  muted: { by: "ann", at: "2026-11-29T08:00:00.000Z" },
});

function answering(groups: () => readonly Group[], role = "operator"): Answer {
  return ({ path, query, body }: Asked) => {
    if (path === "/v1/me") return aCaller(role);
    if (path === "/v1/failures") {
      const shown = groups().filter((group) => group.muted === null || query.get("muted") === "true");
      return someFailures(shown, { left_out: groups().length - shown.length });
    }
    if (path === "/v1/jobs/retry") {
      const told = [0, 1, 2].map((place) => ({
        job_id: `6WRG02RMBSYB4S71Q0B9AKQ2TE.${place}`,
        outcome: place === 2 ? "LEFT" : "DONE",
        state: "READY",
        reason: place === 2 ? "job 6WRG02RMBSYB4S71Q0B9AKQ2TE.2 was reopened as often as is allowed" : null,
      }));
      const { dry_run } = body as { dry_run: boolean };
      return { jobs: told, done: 2, asked: 0, left: 1, looked_at: 3, cursor: null, dry_run };
    }
    const muted = path.endsWith("/mute");
    return { fingerprint: path.split("/")[3], muted, change: { by: "ann", at: null } };
  };
}

it("shows the groups that the API makes, the largest first, and links to their jobs", async () => {
  const { asked } = showAt(
    "/failures?since=7d",
    answering(() => [FULL, LOAD]),
  );
  const groups = await screen.findAllByRole("article");
  const [first, second] = groups as [HTMLElement, HTMLElement];
  expect(within(first).getByRole("heading").textContent).toBe("load: raised");
  expect(first.textContent).toContain("row <number> is broken");
  expect(first.textContent).toContain("3 failed");
  expect(first.textContent).toContain("in 1 workflow: …B9AKQ2TE (1)");
  expect(second.textContent?.match(/no space/g)).toHaveLength(1);
  expect(within(first).getByRole("img").getAttribute("aria-label")).toMatch(
    /failures over the last 7 d, 7 h a bar/,
  );
  const jobs = within(first).getByRole("link", {
    name: "see the jobs of load: raised, row <number> is broken",
  });
  expect(jobs.getAttribute("href")).toBe(
    `/jobs?state=FAILED%2CTIMED_OUT&failure=${LOAD.fingerprint}&since=7d&order=newest`,
  );
  const listing = asked.find((call) => call.path === "/v1/failures");
  const back = Date.now() - Date.parse(listing?.query.get("since") ?? "");
  expect(Math.abs(back - 7 * 86_400_000)).toBeLessThan(60_000);
  expect(await faultsOf(document.body)).toEqual([]);
});

it("retries a whole group after it has said how many jobs that are, and which it can't", async () => {
  const { asked } = showAt(
    "/failures",
    answering(() => [LOAD]),
  );
  await userEvent.click(await screen.findByRole("button", { name: "Retry all of them…" }));
  const confirm = await screen.findByRole("button", { name: "retry 2 jobs" });
  expect(screen.getByText(/1 can't: it was reopened as often/)).toBeDefined();
  await userEvent.click(confirm);
  await screen.findByText(/2 done, 0 asked, 1 left/);
  const bodies = asked.filter((call) => call.path === "/v1/jobs/retry").map((call) => call.body);
  expect(bodies).toMatchObject(
    [true, false].map((dry_run) => ({
      dry_run,
      filter: { state: "FAILED,TIMED_OUT", type: "load", failure: LOAD.fingerprint },
    })),
  );
});

it("mutes a group once somebody confirms it, and unmutes it where muted groups are shown", async () => {
  let groups: readonly Group[] = [LOAD, MUTED];
  const { asked } = showAt(
    "/failures",
    answering(() => groups),
  );
  await screen.findByText("3 jobs in 1 group by cause, that is all; muted groups are left out");
  await userEvent.click(screen.getByRole("button", { name: "Mute" }));
  expect(asked.some(({ method }) => method === "POST")).toBe(false);
  groups = [{ ...LOAD, muted: MUTED.muted }, MUTED];
  await userEvent.click(screen.getByRole("button", { name: "Mute the group" }));
  await screen.findByText("all groups of failed jobs are muted");
  await waitFor(() => expect(screen.queryByRole("article")).toBeNull());
  await userEvent.selectOptions(screen.getByLabelText("muted groups"), "true");
  expect(searchNow()).toEqual({ muted: "true" });
  expect(await screen.findAllByText(/muted by ann/)).toHaveLength(2);
  await userEvent.click(screen.getAllByRole("button", { name: "Unmute" })[0] as HTMLElement);
  const posts = asked.filter(({ method }) => method === "POST").map(({ path }) => path);
  expect(posts).toEqual([`/v1/failures/${LOAD.fingerprint}/mute`, `/v1/failures/${LOAD.fingerprint}/unmute`]);
});

it("moves no group while it is read, and calls new ones by a button", async () => {
  let groups = [LOAD, FULL];
  const { queries } = showAt(
    "/failures",
    answering(() => groups),
  );
  await screen.findAllByRole("article");
  groups = [LOAD, { ...FULL, count: 9 }, aFailureGroup({ fingerprint: "d".repeat(16), type: "mail" })];
  await act(() => queries.refetchQueries({ queryKey: ["failures"] }));
  const patterns = () =>
    screen.getAllByRole("article").map((each) => within(each).getByRole("heading").textContent);
  await screen.findByText("9 failed");
  expect(patterns()).toEqual(["load: raised", "load: raised"]);
  expect(screen.getAllByRole("article")[0]?.textContent).toContain("3 failed");
  await userEvent.click(screen.getByRole("button", { name: "1 new: show" }));
  expect(patterns()).toEqual(["load: raised", "load: raised", "mail: raised"]);
  expect(screen.getAllByRole("article")[0]?.textContent).toContain("9 failed");
});

it("says that there are earlier failures, and adds them up when somebody looks further back", async () => {
  const { asked } = showAt("/failures", ({ path, query }: Asked) => {
    if (path === "/v1/me") return aCaller("client");
    const page = Number(query.get("cursor") ?? 0);
    return someFailures([LOAD], { cursor: page === 2 ? null : String(page + 1) });
  });
  await screen.findByText(/the newest 3 jobs in 1 group/);
  expect(screen.getByText("at least 3 failed")).toBeDefined();
  expect(screen.getByRole("article").textContent).toContain("in at least 1 workflow: …B9AKQ2TE (1)");
  await userEvent.click(screen.getByRole("button", { name: "Look further back" }));
  await screen.findByText(/the newest 6 jobs in 1 group/);
  await userEvent.click(screen.getByRole("button", { name: "Look further back" }));
  await screen.findByText(/9 jobs in 1 group by cause, that is all/);
  await waitFor(() => expect(screen.queryByRole("button", { name: "Look further back" })).toBeNull());
  // All jobs are counted, but pages may name other workflows than they count.
  const { textContent } = screen.getByRole("article");
  expect(textContent).toContain("9 failed");
  expect(textContent).toContain("in at least 1 workflow: …B9AKQ2TE (3)");
  const calls = asked.filter((call) => call.path === "/v1/failures");
  expect(calls.map(({ query }) => query.get("cursor"))).toEqual([null, null, "1", null, "1", "2"]);
});

it("shows a viewer why nothing can be done, hostile texts as texts, and the next command", async () => {
  let groups = HOSTILE.map((text, place) =>
    aFailureGroup({ fingerprint: String(place).repeat(16), type: text, pattern: text, message: text }),
  );
  const { queries } = showAt(
    "/failures",
    answering(() => groups, "viewer"),
  );
  for (const name of ["Retry all of them…", "Mute"]) {
    const [button] = await screen.findAllByRole("button", { name });
    await waitFor(() => expect(button?.getAttribute("aria-disabled")).toBe("true"));
    await userEvent.hover(button as HTMLElement);
    expect((await screen.findByRole("tooltip")).textContent).toContain("your role is viewer");
    await userEvent.unhover(button as HTMLElement);
  }
  expect(document.querySelector("script, main img")).toBeNull();
  expect(document.body.textContent).not.toContain("\u202e");
  groups = [];
  await act(() => queries.refetchQueries({ queryKey: ["failures"] }));
  await screen.findByText("No job has failed in the last 24h.");
  await screen.findByText(/tidegate failures list --since 24h/);
});

it("shows a new failure with the next turn of five seconds, where something failed lately", async () => {
  const now = new Date().toISOString();
  let groups = [aFailureGroup({ last_at: now })];
  const answer = answering(() => groups);
  showAt("/failures", (asked) => {
    const said = answer(asked);
    return asked.path === "/v1/failures" ? { ...(said as object), until: now } : said;
  });
  await screen.findByText("1 failed");
  groups = [aFailureGroup({ last_at: now, count: 2 })];
  await waitFor(() => screen.getByText("2 failed"), { timeout: 7_000 });
});
