/**
 * What people do in the console, in a real browser against a deployment. tests/e2e/test_console_flows.py starts it.
 *
 * TIDEGATE_CONSOLE_URL is the console behind the API for bearer tokens. TIDEGATE_PEOPLE is JSON: the passwords of a
 * person of each role, who is named e2e-console-ROLE. TIDEGATE_WORKFLOW is the id of a workflow whose job `load` failed
 * once, so that `publish` was skipped.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launch } from "./launch.ts";

const URL_OF_CONSOLE = process.env.TIDEGATE_CONSOLE_URL ?? "";
const PEOPLE = JSON.parse(process.env.TIDEGATE_PEOPLE ?? "{}") as Record<string, string>;
const WORKFLOW = process.env.TIDEGATE_WORKFLOW ?? "";
const PATIENCE_MS = 30_000;

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** Opens a page of the console and signs a person in on it. */
async function signedIn(role: string, path: string): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(URL_OF_CONSOLE + path, { waitUntil: "load" });
  const [popup] = await Promise.all([
    page.waitForEvent("popup"),
    page.getByRole("button", { name: "Sign in" }).click(),
  ]);
  await popup.fill('input[name="username"]', `e2e-console-${role}`);
  await popup.fill('input[name="password"]', PEOPLE[role] ?? "");
  await Promise.all([popup.waitForEvent("close"), popup.click('button[type="submit"]')]);
  await page.getByRole("navigation", { name: "screens" }).waitFor();
  return page;
}

test("a deep link survives the sign-in, and nothing is stored", async () => {
  const page = await signedIn("viewer", "jobs?state=FAILED&order=time");
  const address = new URL(page.url());
  assert.equal(address.searchParams.get("state"), "FAILED");
  assert.equal(address.searchParams.get("order"), "time");
  const stored = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
  assert.deepEqual(stored, [0, 0, ""]);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("state"), "FAILED");
  await page.context().close();
});

test("a viewer sees why an act is not allowed, and the API refuses it too", async () => {
  const page = await signedIn("viewer", `workflows/${WORKFLOW}`);
  let token = "";
  page.on("request", (request) => {
    token = request.headers().authorization ?? token;
  });
  await page.locator('button[aria-disabled="true"]', { hasText: "Rerun from failures" }).waitFor();
  const asked = page.waitForResponse((answer) => answer.url().includes("/v1/pools"));
  await page.getByRole("link", { name: "Pools" }).click();
  await asked;
  assert.match(token, /^Bearer /);
  const answer = await fetch(new URL(`../v1/workflows/${WORKFLOW}/rerun`, URL_OF_CONSOLE), {
    method: "POST",
    headers: { Authorization: token },
  });
  assert.ok([401, 403].includes(answer.status), `status ${answer.status}`);
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
  await page.getByText("SUCCEEDED", { exact: true }).first().waitFor();
  await page.context().close();
});
