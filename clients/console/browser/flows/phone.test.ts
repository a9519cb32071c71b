/** Somebody has a phone alone, and a job has failed. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Locator, Page } from "playwright-core";
import { SIZES } from "../screens.ts";
import { OTHER_WORKFLOW, signedIn, WORKFLOW } from "./people.ts";

const PHONE = { viewport: SIZES.phone, hasTouch: true, isMobile: true } as const;

/** Fails if a part of the page stands beside the screen, so that one had to push the page to the side. */
async function assertFits(page: Page, where: string): Promise<void> {
  const over = await page.evaluate(() =>
    [document.documentElement, document.querySelector("main")].map((box) =>
      box === null ? null : box.scrollWidth - box.clientWidth,
    ),
  );
  assert.deepEqual(over, [0, 0], `${where} is wider than the phone`);
  assert.equal(await page.evaluate(() => visualViewport?.scale), 1, `${where} is made smaller`);
}

/** Taps what can be reached by scrolling up and down, and is large enough for a finger. */
async function tapped(target: Locator): Promise<void> {
  await target.scrollIntoViewIfNeeded();
  const box = await target.boundingBox();
  assert.ok(box !== null && box.x >= 0 && box.x + box.width <= PHONE.viewport.width, `${target} is cut off`);
  // WCAG 2.2 AA: 24 pixels, or a link within a sentence.
  const isLink = await target.evaluate((each) => each.tagName === "A");
  assert.ok(isLink || box.height >= 24, `${target} is ${box.height} high`);
  await target.tap();
}

test("a failed job is found, read and retried on a phone", async () => {
  const page = await signedIn("operator", "", PHONE);
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  const group = page.getByRole("listitem").filter({ hasText: "demo.flaky" });
  await group.getByRole("link", { name: "latest such job" }).waitFor();
  await assertFits(page, "the overview");
  await tapped(group.getByRole("link", { name: "latest such job" }));

  await page.getByRole("heading", { level: 1, name: "load" }).waitFor();
  const why = page.getByRole("alert").filter({ hasText: "attempt 1 fails, as it should" });
  await why.scrollIntoViewIfNeeded();
  await assertFits(page, "the failed job");
  for (const part of ["Log", "Parameters and result", "Neighbours", "History", "Summary"]) {
    const link = page.getByRole("navigation", { name: "parts of the job" }).getByRole("link", { name: part });
    await tapped(link);
    await page.locator('[aria-label="parts of the job"] [aria-current="page"]', { hasText: part }).waitFor();
    await page.locator("main .MuiSkeleton-root").first().waitFor({ state: "hidden" });
    await assertFits(page, `the job's ${part}`);
  }
  await tapped(page.getByRole("button", { name: "Retry" }));
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/It opens.*2 jobs/).waitFor();
  await assertFits(page, "the dialog");
  await tapped(dialog.getByRole("button", { name: "Retry" }));
  await dialog.waitFor({ state: "hidden" });
  await page.getByText("SUCCEEDED", { exact: true }).first().waitFor();

  await tapped(page.getByRole("link", { name: "its workflow" }));
  await page.getByRole("link", { name: "3 SUCCEEDED" }).waitFor();
  assert.ok([WORKFLOW, OTHER_WORKFLOW].some((each) => page.url().includes(each)));
  await assertFits(page, "the workflow");
  const screens = page.getByRole("navigation", { name: "screens" });
  for (const screen of ["Jobs", "Failures", "Workflows", "Pools", "Workers", "Settings", "Overview"]) {
    if ((await screens.getByRole("link", { name: screen }).count()) === 0)
      await tapped(screens.getByRole("button", { name: "More" }));
    await tapped(screens.getByRole("link", { name: screen }));
    await page.getByRole("heading", { level: 1, name: screen }).waitFor();
    await page.locator("main .MuiSkeleton-root").first().waitFor({ state: "hidden" });
    await assertFits(page, screen);
  }
  await page.context().close();
});
