/** People find a job and read why it failed, and the way back leads to where they were. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { asked, later, submittedWorkflow, until } from "./deployment.ts";
import { signedIn, submitted } from "./people.ts";

const MANY = 140;

interface Place {
  readonly search: string;
  readonly scroll: number;
  readonly focused: string;
}

/** Returns where somebody is in the list of jobs: the filters, the scroll, and the row with the focus. */
async function placeIn(page: Page): Promise<Place> {
  return page.getByRole("grid", { name: "jobs" }).evaluate((grid) => ({
    search: location.search,
    scroll: grid.scrollTop,
    focused: document.activeElement?.closest("[role=row]")?.querySelector("a")?.textContent ?? "",
  }));
}

test("the way back from a job leads to the same filter, scroll and focus", async () => {
  const page = await signedIn("operator", "jobs");
  const tag = `rows-${Date.now()}`;
  const workflow = await submittedWorkflow(page, {
    jobs: Array.from({ length: MANY }, (_, place) => ({
      key: `row-${String(place).padStart(3, "0")}`,
      type: "tidegate.noop",
      tags: { list: tag },
      not_before: later(),
    })),
  });
  await page.getByRole("button", { name: "SCHEDULED" }).click();
  await page.getByRole("button", { name: "More filters" }).click();
  await page.getByLabel("tags, such as").fill(`list=${tag}`);
  await page.getByRole("button", { name: "Apply" }).click();
  const grid = page.getByRole("grid", { name: "jobs" });
  await grid.getByRole("link", { name: /^row-/ }).first().waitFor();
  // The second page of the API's answer is read on the way down.
  await until("the list is read on", async () => {
    await grid.hover();
    await page.mouse.wheel(0, 600);
    return (await grid.getAttribute("aria-rowcount")) === String(MANY + 1) ? true : null;
  });
  // The row in the middle of those in sight.
  const key = await grid.evaluate((box) => {
    const { top, height } = box.getBoundingClientRect();
    const middle = document.elementFromPoint(box.getBoundingClientRect().left + 300, top + height / 2);
    return /row-\d{3}/.exec(middle?.closest("[role=row]")?.textContent ?? "")?.[0] ?? "";
  });
  const link = grid.getByRole("link", { name: key });
  await link.focus();
  const before = await placeIn(page);
  assert.ok(before.scroll > 500, `scrolled by ${before.scroll}`);
  assert.equal(before.focused, key);
  await link.press("Enter");
  await page.getByRole("heading", { level: 1, name: key }).waitFor();
  await page.goBack();
  await grid.getByRole("link", { name: key }).waitFor();
  await until("the focus is back", async () => ((await placeIn(page)).focused === key ? true : null)).catch(
    () => undefined,
  );
  assert.deepEqual(await placeIn(page), before);

  // The panel of a job is an address too.
  const row = grid.getByRole("row").filter({ has: page.getByRole("link", { name: key }) });
  await row.press("Enter");
  await page.getByRole("region", { name: /^job / }).waitFor();
  assert.match(page.url(), /[?&]job=/);
  await page.goBack();
  await page.getByRole("region", { name: /^job / }).waitFor({ state: "hidden" });
  assert.deepEqual(await placeIn(page), before);
  await asked(page, `workflows/${workflow}/cancel`, {});
  await page.context().close();
});

test("the failed job tells its error, the traceback and what it printed", async () => {
  const page = await signedIn("operator", "settings");
  const job = await submitted(page, {
    type: "demo.talk",
    parameters: { lines: 30, fails: true },
    max_retries: 0,
  });
  await until("the job has failed", async () =>
    (await asked<{ state: string }>(page, `jobs/${job}?fields=slim`)).state === "FAILED" ? true : null,
  );
  await page.getByRole("link", { name: "Overview" }).click();
  const group = page.getByRole("listitem").filter({ hasText: "demo.talk" });
  await group.getByText(/it was told to fail/).waitFor();
  await group.getByRole("link", { name: "latest such job" }).click();
  await page.getByText(String(job)).first().waitFor();
  const why = page.getByRole("alert").filter({ hasText: "it was told to fail" });
  await why.getByText("ValueError").first().waitFor();
  const printed = why.getByLabel("last lines");
  const last = (await printed.textContent()) ?? "";
  assert.match(last, /^line 30 of 30$/m);
  // The traceback: the frame of the job's own code, and the line that raised.
  assert.match(last, /^ {2}File ".*", line \d+, in talk$\n^ {4}raise ValueError/m);
  await why.getByRole("link", { name: "See the log of attempt 1" }).click();
  const log = page.getByRole("log");
  await log.getByText(/line 30 of 30/).waitFor();
  await log.getByText(/File ".*in talk$/).waitFor();
  await page.context().close();
});
