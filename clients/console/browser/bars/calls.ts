/** How many calls of the API a tab makes by itself, on every screen. */

import type { Browser, Page } from "playwright-core";
import { type Ids, screens } from "../screens.ts";
import { type Bar, tell } from "./bar.ts";

const MINUTE_MS = 60_000;
/** First answers may come one after the other. */
const SETTLED_MS = 4_000;

interface Tab {
  readonly name: string;
  readonly page: Page;
  count: number;
}

/** Makes the page believe that its tab is hidden: a headless browser shows all of its pages. */
async function hide(page: Page): Promise<void> {
  await page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
    Object.defineProperty(document, "hidden", { get: () => true });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  });
}

async function mostOf(tabs: readonly Tab[], what: string): Promise<number> {
  for (const tab of tabs) tab.count = 0;
  // Time itself is measured here, so there is nothing else to wait for.
  await new Promise((done) => setTimeout(done, MINUTE_MS));
  tell(`calls a minute ${what}: ${tabs.map(({ name, count }) => `${name} ${count}`).join(", ")}`);
  return Math.max(...tabs.map(({ count }) => count));
}

/** Opens every screen in a tab of its own, all at once, and counts for a minute. */
async function opened(browser: Browser, url: string, ids: Ids): Promise<Tab[]> {
  const tabs: Tab[] = [];
  for (const [name, path] of screens(ids)) {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    const tab = { name, page, count: 0 };
    page.on("request", (request) => {
      if (request.url().includes("/v1/")) tab.count += 1;
    });
    await page.goto(new URL(path, url).href, { waitUntil: "load" });
    tabs.push(tab);
  }
  await new Promise((done) => setTimeout(done, SETTLED_MS));
  return tabs;
}

/** Counts while something moves, then in hidden tabs, then at a deployment where nothing moves. */
export async function callsAMinute(
  browser: Browser,
  moving: readonly [string, Ids],
  still: readonly [string, Ids],
): Promise<Bar[]> {
  const tabs = await opened(browser, ...moving);
  const busy = await mostOf(tabs, "while something moves");
  for (const { page } of tabs) await hide(page);
  const hidden = await mostOf(tabs, "in a hidden tab");
  for (const { page } of tabs) await page.close();
  const quiet = await opened(browser, ...still);
  const idle = await mostOf(quiet, "while nothing moves");
  for (const { page } of quiet) await page.close();
  return [
    { name: "calls a minute while something moves, most of any screen", value: busy, unit: "", most: 12 },
    { name: "calls a minute while nothing moves, most of any screen", value: idle, unit: "", most: 2 },
    { name: "calls a minute in a hidden tab, most of any screen", value: hidden, unit: "", most: 0 },
  ];
}
