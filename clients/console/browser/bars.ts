/**
 * Measures the console against its bars, prints them, and writes them as JSON.
 *
 * Run: node browser/bars.ts URL FILE. URL is that of a console (`tidegate console`) whose deployment has a workflow of
 * 9,000 jobs or more and nothing newer. Exits with 1 if a bar does not hold. Figures are of this machine.
 */

import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import lighthouse, { desktopConfig } from "lighthouse";
import { chromium, type Page } from "playwright-core";
import { ARGUMENTS, chromiumPath } from "./launch.ts";
import { measureSizes } from "./sizes.ts";

const DIST = join(import.meta.dirname, "../dist");
const TRIES = 5;

interface Bar {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly most?: number;
  readonly least?: number;
}

const holds = (bar: Bar) => bar.value <= (bar.most ?? Infinity) && bar.value >= (bar.least ?? -Infinity);

function sizes(): Bar[] {
  const found = measureSizes(DIST);
  return [
    { name: "first JavaScript", value: found.first, unit: "kB gzip", most: 250 },
    { name: "largest lazy part", value: found.largestLazy, unit: "kB gzip", most: 30 },
    { name: "all JavaScript", value: found.all, unit: "kB gzip", most: 350 },
  ];
}

async function pageSpeed(url: string, port: number): Promise<Bar[]> {
  const ran = await lighthouse(url, { port, logLevel: "error" }, desktopConfig);
  if (ran === undefined) throw new Error("lighthouse gave no result");
  const { categories, audits, runtimeError } = ran.lhr;
  if (runtimeError !== undefined)
    throw new Error(`lighthouse: ${runtimeError.code}: ${runtimeError.message}`);
  const audit = (id: string) => audits[id]?.numericValue ?? Number.NaN;
  return [
    {
      name: "Lighthouse performance, desktop",
      value: categories.performance?.score ?? 0,
      unit: "",
      least: 0.95,
    },
    { name: "Lighthouse accessibility", value: categories.accessibility?.score ?? 0, unit: "", least: 1 },
    { name: "largest contentful paint", value: audit("largest-contentful-paint"), unit: "ms", most: 1_500 },
    { name: "total blocking time", value: audit("total-blocking-time"), unit: "ms", most: 100 },
    { name: "cumulative layout shift", value: audit("cumulative-layout-shift"), unit: "", most: 0.02 },
  ];
}

/** Opens the newest workflow from the list, again and again; the worst of the tries counts. */
async function largeWorkflow(page: Page, url: string): Promise<Bar[]> {
  let worstMs = 0;
  let calls = 0;
  let most = 0;
  page.on("request", (request) => {
    if (request.url().includes("/v1/")) calls += 1;
  });
  for (let count = 0; count < TRIES; count++) {
    await page.goto(new URL("workflows", url).href, { waitUntil: "load" });
    const link = page.locator('[role="grid"] a, main a[href*="workflows/"]').first();
    await link.waitFor();
    await page.waitForTimeout(1_500);
    calls = 0;
    const startMs = performance.now();
    await link.click();
    await page
      .getByText(/^level 1\b/)
      .first()
      .waitFor();
    await page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
    worstMs = Math.max(worstMs, performance.now() - startMs);
    most = Math.max(most, calls);
  }
  const heap = await page.evaluate(
    () => (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize / 1e6,
  );
  return [
    {
      name: "10,000 jobs: click to the grouped picture, worst of five",
      value: worstMs,
      unit: "ms",
      most: 1_500,
    },
    { name: "10,000 jobs: calls for it", value: most, unit: "", most: 3 },
    { name: "10,000 jobs: heap", value: heap, unit: "MB", most: 100 },
  ];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

async function main(url: string, file: string): Promise<number> {
  const port = await freePort();
  const browser = await chromium.launch({
    executablePath: await chromiumPath(),
    args: [...ARGUMENTS, `--remote-debugging-port=${port}`],
    headless: true,
  });
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  const bars = [...sizes(), ...(await largeWorkflow(page, url))];
  await page.close();
  bars.push(...(await pageSpeed(url, port)));
  await browser.close();
  for (const bar of bars) {
    const bound = bar.most === undefined ? `at least ${bar.least}` : `at most ${bar.most}`;
    process.stdout.write(
      `${holds(bar) ? "holds" : "FAILS"}  ${bar.name}: ${Number(bar.value.toFixed(3))} ${bar.unit} (${bound})\n`,
    );
  }
  writeFileSync(
    file,
    `${JSON.stringify({ bars: bars.map((bar) => ({ ...bar, holds: holds(bar) })) }, null, 2)}\n`,
  );
  return bars.every(holds) ? 0 : 1;
}

const [url, file] = process.argv.slice(2);
if (url === undefined || file === undefined) throw new Error("usage: node browser/bars.ts URL FILE");
process.exit(await main(url, file));
