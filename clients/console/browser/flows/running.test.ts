/** People submit, and watch how it runs to its end. The page is never loaded again. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { submittedWorkflow, went } from "./deployment.ts";
import { signedIn } from "./people.ts";

/** The workflow of `tidegate demo`, and how many of its jobs must end in each state. */
interface Demo {
  readonly workflow: Readonly<Record<string, unknown>>;
  readonly ends: Readonly<Record<string, number>>;
}

const DEMO = JSON.parse(process.env.TIDEGATE_DEMO ?? "{}") as Demo;
const DEMO_MS = 120_000;

interface Seen {
  readonly bar: string;
  readonly groups: number;
}

/** Has the page count how often it is loaded anew; returns the count so far. */
function loadsOf(page: Page): () => number {
  let loads = 0;
  page.on("load", () => {
    loads += 1;
  });
  return () => loads;
}

test("a job of the form is checked, runs, and shows its result", async () => {
  const page = await signedIn("operator", "submit");
  const loads = loadsOf(page);
  await page.getByLabel("job type").selectOption("demo.start_signal");
  const seconds = page.getByLabel(/^seconds/i).first();
  await seconds.fill("1000");
  await page.getByRole("button", { name: "Check" }).click();
  await page.getByText("Nothing was submitted").waitFor();
  assert.equal(await seconds.getAttribute("aria-invalid"), "true");
  // Long enough to be seen while it runs.
  await seconds.fill("12");
  await page.getByRole("button", { name: "Check" }).click();
  await page.getByText("Checked: this would submit 1 job").waitFor();
  await page.getByRole("button", { name: "Submit the job" }).click();
  await page.waitForURL(/\/jobs\/[0-9A-Z]{26}$/);
  await page.getByText("RUNNING", { exact: true }).first().waitFor();
  await page.getByRole("link", { name: "Parameters and result" }).click();
  const result = page.getByRole("region", { name: "result" });
  await result
    .getByText(/seconds.*12/)
    .first()
    .waitFor();
  await page.getByText("SUCCEEDED", { exact: true }).first().waitFor();
  assert.equal(loads(), 0);
  await page.context().close();
});

/** Has the page write down, at each change, the text of the workflow's bar and how many jobs of its groups have ended. */
async function recorded(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen: Seen[] = [];
    Object.assign(globalThis, { seen });
    const look = () => {
      const bar = document.querySelector("main [role=img][aria-label]")?.getAttribute("aria-label") ?? "";
      const words = [...document.querySelectorAll("#view span")].map((each) => each.textContent ?? "");
      const groups = words.reduce((sum, text) => sum + Number(/^(\d+) of \d+ ended/.exec(text)?.[1] ?? 0), 0);
      const last = seen.at(-1);
      if (bar !== last?.bar || groups !== last.groups) seen.push({ bar, groups });
    };
    look();
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
}

/** Fails if a count that was written down ever shrank, or was not seen on its way. */
function grew(counts: readonly number[], what: string): void {
  const sorted = counts.toSorted((one, other) => one - other);
  assert.deepEqual(counts, sorted, `${what} shrank`);
  assert.ok(new Set(counts).size >= 3, `${what} was not seen on its way: ${counts}`);
}

function succeeded(bar: string): number {
  return Number(/(\d+) SUCCEEDED/.exec(bar)?.[1] ?? 0);
}

test("the demo fills and ends on a page that is never loaded again", async () => {
  const page = await signedIn("operator", "");
  const loads = loadsOf(page);
  await went(page, `workflows/${await submittedWorkflow(page, DEMO.workflow)}`);
  await page.getByRole("heading", { level: 1, name: "demo: text analytics" }).waitFor();
  await page.getByRole("tab", { name: "Groups" }).click();
  await page.locator("#view").getByText(/ended/).first().waitFor();
  await recorded(page);
  for (const [state, count] of Object.entries(DEMO.ends)) {
    const name = new RegExp(`^${count} ${state}$`);
    await page.getByRole("link", { name }).first().waitFor({ timeout: DEMO_MS });
  }
  const seen = await page.evaluate(() => (globalThis as unknown as { seen: Seen[] }).seen);
  grew(
    seen.map(({ bar }) => succeeded(bar)),
    "the bar of the workflow",
  );
  grew(
    seen.map(({ groups }) => groups),
    "the jobs of the groups that have ended",
  );
  const jobs = Object.values(DEMO.ends).reduce((sum, count) => sum + count, 0);
  assert.equal(jobs, 111);
  assert.equal(seen.at(-1)?.groups, jobs);
  assert.equal(loads(), 0);
  await page.context().close();
});
