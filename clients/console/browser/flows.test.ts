/**
 * What people do in the console, in a real browser against a deployment. tests/e2e/test_console_flows.py starts it.
 *
 * TIDEGATE_CONSOLE_URL is the console behind the API for bearer tokens. TIDEGATE_PEOPLE is JSON: the passwords of a
 * person of each role, who is named e2e-console-ROLE. TIDEGATE_WORKFLOW is the id of a workflow whose job `load` failed
 * once, so that `publish` was skipped, and TIDEGATE_OTHER_WORKFLOW that of another such workflow.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { launch } from "./launch.ts";

const URL_OF_CONSOLE = process.env.TIDEGATE_CONSOLE_URL ?? "";
const PEOPLE = JSON.parse(process.env.TIDEGATE_PEOPLE ?? "{}") as Record<string, string>;
const WORKFLOW = process.env.TIDEGATE_WORKFLOW ?? "";
const OTHER_WORKFLOW = process.env.TIDEGATE_OTHER_WORKFLOW ?? "";
const PATIENCE_MS = 30_000;

let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** The token that each page sent last. */
const tokens = new WeakMap<Page, string>();

/** Waits for the page's token, as it goes to the API. */
async function tokenOf(page: Page): Promise<string> {
  if (!tokens.has(page))
    await page.waitForRequest((request) => request.headers().authorization !== undefined);
  return tokens.get(page) ?? "";
}

/** Signs a person in on a page that shows the way in. */
async function signIn(page: Page, role: string): Promise<void> {
  const [popup] = await Promise.all([
    page.waitForEvent("popup"),
    page.getByRole("button", { name: "Sign in" }).click(),
  ]);
  await popup.fill('input[name="username"]', `e2e-console-${role}`);
  await popup.fill('input[name="password"]', PEOPLE[role] ?? "");
  await Promise.all([popup.waitForEvent("close"), popup.click('button[type="submit"]')]);
  await page.getByRole("navigation", { name: "screens" }).waitFor();
}

/** Opens a page of the console and signs a person in on it. */
async function signedIn(role: string, path: string): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("request", (request) => {
    const sent = request.headers().authorization;
    if (sent !== undefined) tokens.set(page, sent);
  });
  await page.goto(URL_OF_CONSOLE + path, { waitUntil: "load" });
  await signIn(page, role);
  return page;
}

/** Submits a job with the token that the page uses; returns its id, or null where the API refuses it. */
async function submitted(page: Page, job: Readonly<Record<string, unknown>>): Promise<string | null> {
  const answer = await fetch(new URL("../v1/jobs", URL_OF_CONSOLE), {
    method: "POST",
    headers: { Authorization: await tokenOf(page), "Content-Type": "application/json" },
    body: JSON.stringify(job),
  });
  if (answer.status === 422) return null;
  assert.equal(answer.status, 201, await answer.clone().text());
  return ((await answer.json()) as { job_id: string }).job_id;
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
  await page.locator('button[aria-disabled="true"]', { hasText: "Rerun from failures" }).waitFor();
  const answer = await fetch(new URL(`../v1/workflows/${WORKFLOW}/rerun`, URL_OF_CONSOLE), {
    method: "POST",
    headers: { Authorization: await tokenOf(page) },
  });
  assert.ok([401, 403].includes(answer.status), `status ${answer.status}`);
  await page.context().close();
});

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
  await page.getByText("SUCCEEDED", { exact: true }).first().waitFor();
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
  const dialog = page.getByRole("dialog");
  if (await dialog.isVisible()) await dialog.getByRole("button", { name: /resume/i }).click();
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
