/**
 * How people come to the console, in a real browser against a deployment. tests/e2e/test_console_flows.py starts each
 * file of flows beside this one.
 *
 * TIDEGATE_CONSOLE_URL is the console behind the API for bearer tokens. TIDEGATE_PEOPLE is JSON: the passwords of a
 * person of each role, who is named e2e-console-ROLE. TIDEGATE_WORKFLOW is the id of a workflow whose job `load` failed
 * once, so that `publish` was skipped, and TIDEGATE_OTHER_WORKFLOW that of another such workflow.
 */

import assert from "node:assert/strict";
import { after, before } from "node:test";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launch } from "../launch.ts";

export const URL_OF_CONSOLE = process.env.TIDEGATE_CONSOLE_URL ?? "";
export const WORKFLOW = process.env.TIDEGATE_WORKFLOW ?? "";
export const OTHER_WORKFLOW = process.env.TIDEGATE_OTHER_WORKFLOW ?? "";
const PEOPLE = JSON.parse(process.env.TIDEGATE_PEOPLE ?? "{}") as Record<string, string>;
const PATIENCE_MS = 30_000;
const WIDE = { viewport: { width: 1440, height: 900 } } as const;

// One browser for the file that imports this one.
let browser: Browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** The token that each page sent last. */
const tokens = new WeakMap<Page, string>();

/** Waits for the page's token, as it goes to the API. */
export async function tokenOf(page: Page): Promise<string> {
  if (!tokens.has(page))
    await page.waitForRequest((request) => request.headers().authorization !== undefined);
  return tokens.get(page) ?? "";
}

/** Returns the name and the password that a person of a role signs in with. */
export function credentialsOf(role: string): { readonly name: string; readonly password: string } {
  return { name: `e2e-console-${role}`, password: PEOPLE[role] ?? "" };
}

/** Signs a person in on a page that shows the way in. */
export async function signIn(page: Page, role: string): Promise<void> {
  const [popup] = await Promise.all([
    page.waitForEvent("popup"),
    page.getByRole("button", { name: "Sign in" }).click(),
  ]);
  const { name, password } = credentialsOf(role);
  await popup.fill('input[name="username"]', name);
  await popup.fill('input[name="password"]', password);
  await Promise.all([popup.waitForEvent("close"), popup.click('button[type="submit"]')]);
  await page.getByRole("navigation", { name: "screens" }).waitFor();
}

/** Opens an empty page, whose calls are watched for the token. */
export async function newPage(options: BrowserContextOptions = WIDE): Promise<Page> {
  const page = await (await browser.newContext(options)).newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("request", (request) => {
    const sent = request.headers().authorization;
    if (sent !== undefined) tokens.set(page, sent);
  });
  return page;
}

/** Opens a page of the console, which shows the way in. */
export async function opened(path: string, options?: BrowserContextOptions): Promise<Page> {
  const page = await newPage(options);
  await page.goto(URL_OF_CONSOLE + path, { waitUntil: "load" });
  return page;
}

/** Opens a page of the console and signs a person in on it. */
export async function signedIn(role: string, path: string, options?: BrowserContextOptions): Promise<Page> {
  const page = await opened(path, options);
  await signIn(page, role);
  return page;
}

/** Submits a job with the token that the page uses; returns its id, or null where the API refuses it. */
export async function submitted(page: Page, job: Readonly<Record<string, unknown>>): Promise<string | null> {
  const answer = await fetch(new URL("../v1/jobs", URL_OF_CONSOLE), {
    method: "POST",
    headers: { Authorization: await tokenOf(page), "Content-Type": "application/json" },
    body: JSON.stringify(job),
  });
  if (answer.status === 422) return null;
  assert.equal(answer.status, 201, await answer.clone().text());
  return ((await answer.json()) as { job_id: string }).job_id;
}
