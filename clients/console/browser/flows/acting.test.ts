/** Operators act: they rerun, retry, pause and resume. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { OTHER_WORKFLOW, signedIn, signIn, submitted, URL_OF_CONSOLE } from "./people.ts";

/** A dispatcher applies a new rule within this time (docs/explanation/pools.md). */
const RULE_APPLIES_MS = 2_000;

test("a rerun opens what its preview said", async () => {
  const page = await signedIn("operator", `workflows/${OTHER_WORKFLOW}`);
  await page.getByRole("button", { name: "Rerun from failures" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/\b2\b/).first().waitFor();
  const said = (await dialog.textContent()) ?? "";
  await dialog.getByRole("button", { name: /rerun/i }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.getByText("3 SUCCEEDED").first().waitFor();
  assert.match(said, /2 jobs|opens 2|2 would/i);
  await page.context().close();
});

test("from the overview to the failed job in three clicks, and its retry succeeds", async () => {
  const page = await signedIn("operator", "");
  await page
    .getByRole("link", { name: /latest such job/ })
    .first()
    .click();
  await page.getByRole("heading", { level: 1, name: "load" }).waitFor();
  await page.getByRole("button", { name: "Retry" }).click();
  await page.getByRole("dialog").getByRole("button", { name: /retry/i }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  // The page shows the upstream too, which SUCCEEDED before. Only the whole workflow tells that nothing runs any more.
  await page.getByRole("link", { name: "its workflow" }).click();
  await page.getByText("3 SUCCEEDED").first().waitFor();
  await page.context().close();
});

test("a paused pool is named by the why card, and resumed from where it leads", async () => {
  const page = await signedIn("operator", "pools?pool=lambda");
  await page
    .getByRole("button", { name: /^Pause/ })
    .first()
    .click();
  await page.getByRole("dialog").getByRole("button", { name: /pause/i }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  // A job that is READY earlier may be dispatched by the rules before, and then nothing holds it back.
  await page.waitForTimeout(RULE_APPLIES_MS);
  const waiting = await submitted(page, { type: "tidegate.noop", pool: "lambda" });
  await page.goto(`${URL_OF_CONSOLE}jobs/${waiting}`, { waitUntil: "load" });
  await signIn(page, "operator");
  await page
    .getByText(/paused/i)
    .first()
    .waitFor();
  await page
    .getByRole("button", { name: /resume/i })
    .first()
    .click();
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /resume/i })
    .click();
  await page.getByText("SUCCEEDED", { exact: true }).first().waitFor();
  await page.context().close();
});

test("hostile texts of callers are shown, and do nothing", async () => {
  const page = await signedIn("operator", "");
  const hostile = `<img src=x onerror="document.title='broken into'"> \u202egnp.exe`;
  const job = await submitted(page, {
    type: "tidegate.noop",
    description: "<script>alert(1)</script>",
    tags: { note: hostile.slice(0, 60) },
  });
  assert.equal(job, null, "the API refuses marks of direction by itself");
  const harmless = await submitted(page, {
    type: "tidegate.noop",
    description: "<script>alert(1)</script><b>bold</b>",
  });
  await page.goto(`${URL_OF_CONSOLE}jobs/${harmless}`, { waitUntil: "load" });
  await signIn(page, "operator");
  await page.getByText("<script>alert(1)</script><b>bold</b>").first().waitFor();
  assert.equal(await page.locator("main b").count(), 0);
  await page.context().close();
});
