/** A workflow of 10,000 jobs: how soon it is there, how it answers, and what it costs while it is watched. */

import { gzipSync } from "node:zlib";
import type { Browser, CDPSession, Page } from "playwright-core";
import { type Bar, quantile, tell } from "./bar.ts";

const TRIES = 5;
const STEPS = 90;
const FRAME_MS = 16;

interface Watched {
  tasks: { startMs: number; ms: number }[];
  frames: number[] | null;
  shown: Promise<number>;
}

/** Keeps the long tasks of the page, and the lengths of its frames while they are asked for. */
function watch(): void {
  const watched: Watched = { tasks: [], frames: null, shown: Promise.resolve(0) };
  (globalThis as unknown as { watched: Watched }).watched = watched;
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries())
      watched.tasks.push({ startMs: startTime, ms: duration });
  }).observe({ type: "longtask", buffered: true });
  let before = performance.now();
  const frame = (nowMs: number) => {
    watched.frames?.push(nowMs - before);
    before = nowMs;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

const twoFrames = (page: Page) =>
  page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

/** Opens the newest workflow from the list, again and again; the worst of the tries counts. */
async function opening(page: Page, url: string): Promise<Bar[]> {
  let worstMs = 0;
  let most = { calls: 0, kilobytes: 0 };
  for (let count = 0; count < TRIES; count++) {
    await page.goto(new URL("workflows", url).href, { waitUntil: "networkidle" });
    const row = page.locator('[role="grid"] [role="row"][data-index="0"]');
    await row.waitFor();
    const answers: Promise<Buffer>[] = [];
    const keep = (response: { url(): string; body(): Promise<Buffer> }) => {
      if (response.url().includes("/v1/")) answers.push(response.body());
    };
    page.on("response", keep);
    const startMs = performance.now();
    await row.click();
    await page
      .getByText(/^level 1\b/)
      .first()
      .waitFor();
    await twoFrames(page);
    worstMs = Math.max(worstMs, performance.now() - startMs);
    page.off("response", keep);
    // The gateway compresses; this server does not. So the bodies are compressed here, as the gateway would.
    const bytes = (await Promise.all(answers)).reduce((sum, body) => sum + gzipSync(body).length, 0);
    most = {
      calls: Math.max(most.calls, answers.length),
      kilobytes: Math.max(most.kilobytes, bytes / 1_000),
    };
  }
  return [
    {
      name: "10,000 jobs: click to the grouped picture, worst of five",
      value: worstMs,
      unit: "ms",
      most: 1_500,
    },
    { name: "10,000 jobs: calls for it", value: most.calls, unit: "", most: 3 },
    { name: "10,000 jobs: answers for it, compressed", value: most.kilobytes, unit: "kB", most: 150 },
  ];
}

/** Returns the milliseconds from the next `event` to the frame that shows another text at `selector`. */
async function toTheFrame(page: Page, event: string, selector: string, act: () => Promise<unknown>) {
  await page.evaluate(
    ([event, selector]) => {
      const text = () => document.querySelector(selector)?.textContent ?? "";
      const before = text();
      const shown = new Promise<number>((done, fail) => {
        setTimeout(() => fail(new Error(`nothing changed at ${selector}`)), 10_000);
        const listen = ({ timeStamp }: Event) => {
          const look = () =>
            text() === before ? requestAnimationFrame(look) : done(performance.now() - timeStamp);
          requestAnimationFrame(look);
        };
        addEventListener(event, listen, { capture: true, once: true });
      });
      (globalThis as unknown as { watched: Watched }).watched.shown = shown;
    },
    [event, selector] as const,
  );
  // The page listens before anything is done, so it misses nothing.
  await act();
  return page.evaluate(() => (globalThis as unknown as { watched: Watched }).watched.shown);
}

async function answering(page: Page): Promise<Bar[]> {
  await page.getByRole("tab", { name: "List of jobs" }).click();
  const first = '[role="grid"] [role="row"][data-index="0"]';
  await page.locator(first).waitFor();
  const field = page.getByLabel("key or type has");
  await field.focus();
  const filter: number[] = [];
  for (const letter of "99")
    filter.push(await toTheFrame(page, "input", first, () => page.keyboard.type(letter)));
  await field.fill("");
  await page.getByText("10,000 of 10,000 jobs").waitFor();
  const sort: number[] = [];
  // While jobs wait, one of them comes first by state; the first that was submitted has ended.
  for (const order of ["state", "submission", "state"]) {
    sort.push(
      await toTheFrame(page, "change", first, () => page.getByLabel("sorted by").selectOption(order)),
    );
  }
  const select: number[] = [];
  for (const place of [2, 4, 6]) {
    const row = page.locator(`[role="grid"] [role="row"][data-index="${place}"]`);
    select.push(await toTheFrame(page, "click", "aside", () => row.click()));
  }
  const worst = (values: readonly number[]) => Math.max(...values);
  return [
    { name: "10,000 jobs: filter to the frame that shows it", value: worst(filter), unit: "ms", most: 100 },
    { name: "10,000 jobs: sort to the frame that shows it", value: worst(sort), unit: "ms", most: 100 },
    { name: "10,000 jobs: select to the frame that shows it", value: worst(select), unit: "ms", most: 100 },
  ];
}

/** Returns the frames, in ms, while the pointer's wheel turns over an element. */
async function framesOver(page: Page, selector: string, sideways: number, down: number): Promise<number[]> {
  await page.locator(selector).first().hover();
  await page.evaluate(() => {
    (globalThis as unknown as { watched: Watched }).watched.frames = [];
  });
  for (let step = 0; step < STEPS; step++) {
    const sign = step % 30 < 15 ? 1 : -1;
    await page.mouse.wheel(sideways * sign, down * (sideways === 0 ? 1 : sign));
    await page.waitForTimeout(FRAME_MS);
  }
  return page.evaluate(() => {
    const { watched } = globalThis as unknown as { watched: Watched };
    const frames = watched.frames ?? [];
    watched.frames = null;
    return frames;
  });
}

async function heapOf(session: CDPSession): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  return (await session.send("Runtime.getHeapUsage")).usedSize / 1e6;
}

/** Measures the newest workflow of the deployment at `url`, and watches it for `minutes`. */
export async function largeWorkflow(browser: Browser, url: string, minutes: number): Promise<Bar[]> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.addInitScript(watch);
  const bars = await opening(page, url);
  tell("the large workflow opens; now filter, sort and select");
  const loadedMs = await page.evaluate(() => performance.now());
  bars.push(...(await answering(page)));
  const scroll = await framesOver(page, '[role="grid"]', 0, 400);
  await page.getByRole("tab", { name: "Groups" }).click();
  await page
    .getByText(/^level 1\b/)
    .first()
    .waitFor();
  const groups = await framesOver(page, '#view [role="group"], #view svg', 200, 60);
  await page.getByRole("tab", { name: "Timeline" }).click();
  await page.locator("canvas").first().waitFor();
  const lanes = await framesOver(page, "canvas", 200, 60);
  await page.getByRole("tab", { name: "Groups" }).click();
  await page
    .getByText(/^level 1\b/)
    .first()
    .waitFor();
  const session = await page.context().newCDPSession(page);
  const before = await heapOf(session);
  tell(`watching the large workflow for ${minutes} minutes`);
  await page.waitForTimeout(minutes * 60_000);
  const after = await heapOf(session);
  const tasks = await page.evaluate(() => (globalThis as unknown as { watched: Watched }).watched.tasks);
  await page.close();
  const longest = Math.max(0, ...tasks.filter(({ startMs }) => startMs > loadedMs).map(({ ms }) => ms));
  return [
    ...bars,
    {
      name: "10,000 jobs: frames while the list scrolls, p95",
      value: Math.round(quantile(scroll, 0.95)),
      unit: "ms",
      most: 33,
    },
    {
      name: "10,000 jobs: frames while the groups pan, p95",
      value: Math.round(quantile(groups, 0.95)),
      unit: "ms",
      most: 33,
    },
    {
      name: "10,000 jobs: frames while the timeline pans, p95",
      value: Math.round(quantile(lanes, 0.95)),
      unit: "ms",
      most: 33,
    },
    { name: "10,000 jobs: longest task after it was loaded", value: longest, unit: "ms", most: 200 },
    { name: `10,000 jobs: heap after ${minutes} minutes live`, value: after, unit: "MB", most: 100 },
    {
      name: `10,000 jobs: growth of the heap in ${minutes} minutes`,
      value: after - before,
      unit: "MB",
      most: 5,
    },
  ];
}
