/** What goes wrong around a page, and what the page does meanwhile. */

import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { tokenOf, URL_OF_CONSOLE } from "./people.ts";

const PATIENCE_MS = 60_000;
const LOOK_MS = 200;

/** Waits, with a time limit, until `read` gives something. Returns that. */
export async function until<T>(
  what: string,
  read: () => Promise<T | null | undefined | false>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const endMs = performance.now() + patienceMs;
  while (performance.now() < endMs) {
    const found = await read();
    if (found) return found;
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
  throw new Error(`not within ${patienceMs} ms: ${what}`);
}

/** Asks the API with the page's token, though not through the page. Returns the body of a success. */
export async function asked<T>(page: Page, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(new URL(`../v1/${path}`, URL_OF_CONSOLE), {
    method: body === undefined ? "GET" : "POST",
    headers: { Authorization: await tokenOf(page), "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return (await answer.json()) as T;
}

/** Waits until a job is in a state. Returns the id of the worker that has it or had it last. */
export async function jobIs(page: Page, job: string, state: string): Promise<string | null> {
  const read = async () => {
    const found = await asked<{ state: string; worker: string | null }>(page, `jobs/${job}`);
    return found.state === state ? found : null;
  };
  return (await until(`${job} is ${state}`, read)).worker;
}

/** The calls of the API that a page makes, and those that have no answer yet. */
export interface Calls {
  count: number;
  readonly open: Set<unknown>;
  readonly statuses: number[];
}

export function callsOf(page: Page): Calls {
  const calls: Calls = { count: 0, open: new Set(), statuses: [] };
  page.on("request", (request) => {
    if (!request.url().includes("/v1/")) return;
    calls.count += 1;
    calls.open.add(request);
  });
  page.on("requestfailed", (request) => calls.open.delete(request));
  page.on("requestfinished", (request) => calls.open.delete(request));
  page.on("response", (response) => {
    if (response.url().includes("/v1/")) calls.statuses.push(response.status());
  });
  return calls;
}

/** Hides the tab of a page, or brings it back, as far as the page can tell. */
export async function setHidden(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate((is) => {
    Object.defineProperty(document, "visibilityState", {
      configurable: true,
      get: () => (is ? "hidden" : "visible"),
    });
    Object.defineProperty(document, "hidden", { configurable: true, get: () => is });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  }, hidden);
}

/** Marks the page, so that one that was loaded again or made anew is found out. */
export async function mark(page: Page): Promise<void> {
  await page.evaluate(() => document.getElementById("main")?.setAttribute("data-marked", "yes"));
}

export async function isMarked(page: Page): Promise<boolean> {
  return page.evaluate(() => document.getElementById("main")?.getAttribute("data-marked") === "yes");
}

/** Goes to another address as a link of the console does, without loading the page again. */
export async function goTo(page: Page, path: string): Promise<void> {
  await page.evaluate((address) => history.pushState(null, "", address), URL_OF_CONSOLE + path);
}
