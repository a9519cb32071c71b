/** A person chooses a time zone, and every screen keeps to it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { screens } from "../screens.ts";
import { asked, jobsOf, later, submittedWorkflow, went, withKey } from "./deployment.ts";
import { signedIn, signIn, submitted, URL_OF_CONSOLE, WORKFLOW } from "./people.ts";

/** No other zone that a test may run in has these minutes. */
const ZONE = "Asia/Kathmandu";
const AHEAD_MS = (5 * 60 + 45) * 60_000;
/** All times of the deployment are nearer to now than this, and the zone is farther from UTC. */
const NEAR_MS = 3 * 3_600_000;
const TIME = /\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?[^\n)"]{0,24}/g;
const WITH_TIMES = /^(job|jobs-panel|job-history|job-that-waits|workflows|workflow|workflow-timeline|audit)$/;

/** Returns all times that stand on the page, as texts, titles or labels, and those of the API as they came. */
async function timesOn(page: Page): Promise<readonly string[]> {
  // biome-ignore lint/performance/useDomNodeTextContent: what stands in different lines must not join to other times
  const shown = await page.locator("body").innerText();
  const others = await page.evaluate(() =>
    [...document.querySelectorAll("[title],[aria-label],input")].flatMap((each) => [
      each.getAttribute("title") ?? "",
      each.getAttribute("aria-label") ?? "",
      each instanceof HTMLInputElement ? each.value : "",
    ]),
  );
  return [shown, ...others].flatMap((text) => text.match(TIME) ?? []);
}

/** Fails if a time that does not name the zone is not one of it: its clock would be hours off. */
function assertInZone(time: string, screen: string): void {
  if (time.includes(ZONE)) return;
  const wall = Date.parse(`${time.slice(0, 16).replace(" ", "T")}:00Z`);
  const off = Math.abs(wall - AHEAD_MS - Date.now());
  assert.ok(off < NEAR_MS, `${screen} shows ${time}, which is no time in ${ZONE}`);
  assert.doesNotMatch(time, /UTC|Z\b|\+00:00/, `${screen} shows ${time}`);
}

/** Returns how a moment of the API must be told. */
function inZone(iso: string): string {
  const wall = new Date(Date.parse(iso) + AHEAD_MS).toISOString();
  return `${wall.slice(0, 10)} ${wall.slice(11, 19)} ${ZONE}`;
}

/** Waits until nothing that the screen shows is still read. */
async function settled(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.locator("main .MuiSkeleton-root").first().waitFor({ state: "hidden" });
}

test("the chosen time zone is that of every screen, and is named", async () => {
  const page = await signedIn("operator", "settings");
  const talks = await submitted(page, { type: "demo.talk", parameters: { lines: 2 } });
  const workflow = await submittedWorkflow(page, {
    name: "of the zones",
    jobs: [{ key: "waits", type: "tidegate.noop", not_before: later() }],
  });
  const waits = withKey(await jobsOf(page, workflow), "waits").job_id;
  const failed = withKey(await jobsOf(page, WORKFLOW), "load").job_id;
  await page.getByRole("radio", { name: "another one" }).check();
  await page.getByLabel("name, such as").fill(ZONE);
  await page.getByText(`times in ${ZONE}`).waitFor();
  const from = encodeURIComponent(new Date(Date.now() - 60_000).toISOString());
  const all = [
    ...screens({ workflow: WORKFLOW, job: failed }),
    ["job-history", `jobs/${failed}?tab=history`],
    ["job-log", `jobs/${talks}?tab=log`],
    ["job-that-waits", `jobs/${waits}`],
    ["jobs-from", `jobs?from=${from}`],
    ["workflow-critical", `workflows/${WORKFLOW}?view=critical`],
  ] as const;
  for (const [name, path] of all) {
    await went(page, path);
    await settled(page);
    await page.getByText(`times in ${ZONE}`).first().waitFor();
    if (WITH_TIMES.test(name)) await page.locator("main time").first().waitFor({ state: "attached" });
    const times = await timesOn(page);
    for (const time of times) assertInZone(time, name);
    const told = await page
      .locator("main time")
      .evaluateAll((all) =>
        all.map((each) => [each.getAttribute("datetime") ?? "", each.getAttribute("title")]),
      );
    for (const [at, title] of told) assert.equal(title, inZone(at ?? ""), name);
  }
  // The choice is kept in this browser.
  await page.goto(`${URL_OF_CONSOLE}jobs/${waits}`, { waitUntil: "load" });
  await signIn(page, "operator");
  await page.getByText(ZONE).first().waitFor();
  for (const time of await timesOn(page)) assertInZone(time, "the page that was loaded again");
  await asked(page, `workflows/${workflow}/cancel`, {});
  await page.context().close();
});
