/**
 * Takes the pictures of the console that README and docs show.
 *
 * Run: node browser/docs.ts URL FOLDER WORKFLOW JOB, with the ids of a workflow that ended and of a job that failed.
 * `make console-pictures` does it on a local stack.
 */

import { join } from "node:path";
import { launch } from "./launch.ts";
import { type SCHEMES, SIZES } from "./screens.ts";

const PATIENCE_MS = 60_000;

interface Picture {
  readonly name: string;
  readonly path: string;
  readonly size?: keyof typeof SIZES;
  readonly scheme?: (typeof SCHEMES)[number];
}

function pictures(workflow: string, job: string): readonly Picture[] {
  return [
    { name: "overview", path: "" },
    { name: "overview-dark", path: "", scheme: "dark" },
    { name: "overview-phone", path: "", size: "phone" },
    { name: "job", path: `jobs/${job}` },
    { name: "job-phone", path: `jobs/${job}`, size: "phone", scheme: "dark" },
    { name: "workflow", path: `workflows/${workflow}` },
    { name: "timeline", path: `workflows/${workflow}?view=timeline` },
  ];
}

async function main(url: string, folder: string, workflow: string, job: string): Promise<void> {
  const browser = await launch();
  for (const { name, path, size = "wide", scheme = "light" } of pictures(workflow, job)) {
    const page = await browser.newPage({ viewport: SIZES[size], colorScheme: scheme });
    await page.goto(new URL(path, url).href, { waitUntil: "load" });
    await page
      .getByText(/^updated \d/)
      .first()
      .waitFor({ timeout: PATIENCE_MS });
    await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null, null, {
      timeout: PATIENCE_MS,
    });
    await page.screenshot({ path: join(folder, `${name}.png`) });
    await page.close();
    process.stdout.write(`${name}.png\n`);
  }
  await browser.close();
}

const [url, folder, workflow, job] = process.argv.slice(2);
if (url === undefined || folder === undefined || workflow === undefined || job === undefined)
  throw new Error("usage: node browser/docs.ts URL FOLDER WORKFLOW JOB");
await main(url, folder, workflow, job);
