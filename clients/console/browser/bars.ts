/**
 * Measures the console against its bars, and writes them as JSON.
 *
 * Run: node browser/bars.ts MOVING STILL FILE [MINUTES]. MOVING is the address of a console (`tidegate console`) whose
 * deployment has a workflow of 10,000 jobs that still runs, and nothing newer; STILL that of one where nothing moves.
 * Both have a failed job. Figures are of this machine. `make console-bars` does all of it.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bar, tell } from "./bars/bar.ts";
import { callsAMinute } from "./bars/calls.ts";
import { largeWorkflow } from "./bars/large.ts";
import { pageSpeed } from "./bars/speed.ts";
import { jobToSee } from "./ids.ts";
import { launch } from "./launch.ts";
import { measureSizes } from "./sizes.ts";

const DIST = join(import.meta.dirname, "../dist");
const MINUTES = "10";

function sizes(): Bar[] {
  const found = measureSizes(DIST);
  return [
    { name: "first JavaScript", value: found.first, unit: "kB gzip", most: 250 },
    { name: "largest lazy part", value: found.largestLazy, unit: "kB gzip", most: 30 },
    { name: "all JavaScript", value: found.all, unit: "kB gzip", most: 350 },
  ];
}

async function measure(moving: string, still: string, minutes: number): Promise<readonly Bar[]> {
  const [failed, running, ended] = await idsIn(moving, still);
  const speed = await pageSpeed(moving, ["", "jobs", `jobs/${failed.job}`, `workflows/${failed.workflow}`]);
  const browser = await launch();
  try {
    const large = await largeWorkflow(browser, moving, minutes);
    const calls = await callsAMinute(browser, [moving, running], [still, ended]);
    return [...sizes(), ...speed, ...large, ...calls];
  } finally {
    await browser.close();
  }
}

async function idsIn(moving: string, still: string) {
  const browser = await launch();
  try {
    return [
      await jobToSee(browser, moving, "FAILED"),
      await jobToSee(browser, moving, "RUNNING"),
      await jobToSee(browser, still, "FAILED"),
    ] as const;
  } finally {
    await browser.close();
  }
}

const [moving, still, file, minutes = MINUTES] = process.argv.slice(2);
if (moving === undefined || still === undefined || file === undefined)
  throw new Error("usage: node browser/bars.ts MOVING STILL FILE [MINUTES]");
const bars = await measure(moving, still, Number(minutes));
writeFileSync(file, `${JSON.stringify(bars, null, 1)}\n`);
tell(`${bars.length} bars measured`);
process.exit(0);
