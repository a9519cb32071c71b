/** People cancel several jobs at once: a preview says what it would do, and then just that is done. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { jobsOf, later, submittedWorkflow, until, untilStates, went, withKey } from "./deployment.ts";
import { signedIn, submitted } from "./people.ts";

/** Returns how many jobs are in each state. */
function counted(states: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const state of states) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

test("a cancellation downstream does what its preview said, and leaves the rest", async () => {
  const page = await signedIn("operator", "");
  const workflow = await submittedWorkflow(page, {
    name: "cancelled from the middle",
    jobs: [
      { key: "root", type: "tidegate.sleep", parameters: { seconds: 60 } },
      { key: "with-it", type: "tidegate.sleep", parameters: { seconds: 60 }, depends_on: started("root") },
      { key: "before", type: "tidegate.noop", depends_on: started("root") },
      ...["one", "two", "three"].map((key) => ({
        key,
        type: "tidegate.noop",
        depends_on: [{ key: "root" }],
      })),
      { key: "apart", type: "tidegate.noop", not_before: later() },
    ],
  });
  const jobs = await untilStates(page, workflow, {
    root: "RUNNING",
    "with-it": "RUNNING",
    before: "SUCCEEDED",
  });
  await went(page, `jobs/${withKey(jobs, "root").job_id}`);
  await page.getByRole("heading", { level: 1, name: "root" }).waitFor();
  await page.getByRole("button", { name: "Cancel downstream" }).click();
  const preview = page.getByRole("dialog").getByText(/Downstream of it/);
  const said = (await preview.textContent()) ?? "";
  assert.match(said, /^The worker of this job is asked to stop it\./);
  const [, cancelled, asked, ended] =
    /(\d+) jobs? (?:is|are) cancelled, the workers of (\d+) jobs? are asked to stop, and (\d+) jobs? ha/.exec(
      said,
    ) ?? [];
  assert.deepEqual([cancelled, asked, ended], ["3", "1", "1"], said);
  await page.getByRole("dialog").getByRole("button", { name: "Cancel all of them" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.getByText("CANCELLED", { exact: true }).first().waitFor();
  const left = await until("what was asked has ended", async () => {
    const now = (await jobsOf(page, workflow)).map((job) => job.state);
    return now.includes("RUNNING") ? null : now;
  });
  const itself = 1;
  assert.deepEqual(counted(left), {
    CANCELLED: itself + Number(cancelled) + Number(asked),
    SUCCEEDED: Number(ended),
    SCHEDULED: 1,
  });
  await went(page, `workflows/${workflow}`);
  await page.getByRole("link", { name: "5 CANCELLED" }).waitFor();
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await page
    .getByRole("dialog")
    .getByText(/cancels 1 job/)
    .waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel its jobs" }).click();
  await page.getByRole("link", { name: "6 CANCELLED" }).waitFor();
  await page.context().close();
});

function started(key: string): readonly Readonly<Record<string, string>>[] {
  return [{ key, type: "MUST_START" }];
}

test("an act on many jobs says how many it can reach and why it leaves the others", async () => {
  const page = await signedIn("operator", "");
  const tag = `mixed-${Date.now()}`;
  const job = (name: string, more: object) =>
    submitted(page, { type: "tidegate.noop", name, tags: { batch: tag }, ...more });
  for (const name of ["waits-1", "waits-2", "waits-3"]) await job(name, { not_before: later() });
  for (const name of ["ended-1", "ended-2"]) await job(name, {});
  await went(page, `jobs?tag=batch%3D${tag}`);
  const grid = page.getByRole("grid", { name: "jobs" });
  await until("two jobs have ended", async () => {
    await page.getByRole("button", { name: "SUCCEEDED" }).first().waitFor();
    const shown = await grid.getByText("SUCCEEDED", { exact: true }).count();
    return shown === 2 ? shown : null;
  });
  await grid.getByRole("checkbox", { name: "select all rows" }).check();
  const bar = page.getByRole("region", { name: "acts on many jobs" });
  await bar.getByText("5 selected").waitFor();
  const cancel = bar.getByRole("button", { name: "cancel 3 of 5" });
  await cancel.hover();
  await page
    .getByRole("tooltip")
    .getByText(/2 can't: it has ended: SUCCEEDED/)
    .waitFor();
  const none = bar.getByRole("button", { name: /^unhold/ });
  assert.equal(await none.getAttribute("aria-disabled"), "true");
  await cancel.click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/cancel: 3; 2 can't/).waitFor();
  await dialog.getByText(/2 can't: it has (already )?ended/i).waitFor();
  await dialog.getByRole("button", { name: "cancel 3 jobs" }).click();
  await dialog.getByText("cancel: 3 done, 0 asked, 2 left").waitFor();
  await dialog.getByText(/2 can't: it has (already )?ended/i).waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await grid.getByText("CANCELLED", { exact: true }).nth(2).waitFor();
  assert.equal(await grid.getByText("SUCCEEDED", { exact: true }).count(), 2);
  await page.context().close();
});
