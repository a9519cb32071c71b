/** Ids of what stands in a deployment, asked for as the page itself does. */

import type { Browser } from "playwright-core";
import type { Ids } from "./screens.ts";

const PATIENCE_MS = 30_000;

/** Waits for a job in a state; returns the newest one, with its workflow. */
export async function jobToSee(browser: Browser, url: string, state: string): Promise<Ids> {
  const page = await browser.newPage();
  await page.goto(url, { waitUntil: "load" });
  const read = async (state: string) => {
    const config = JSON.parse(document.getElementById("config")?.textContent ?? "{}") as {
      apiUrl?: string;
      pageToken?: string | null;
    };
    const address = new URL(`${config.apiUrl ?? ""}v1/jobs?state=${state}&limit=1`, document.baseURI);
    const answer = await fetch(address, { headers: { "X-Tidegate-Console": config.pageToken ?? "" } });
    const { jobs } = (await answer.json()) as { jobs: { job_id: string; workflow_id: string }[] };
    return jobs[0];
  };
  const endMs = Date.now() + PATIENCE_MS;
  let job = await page.evaluate(read, state);
  while (job === undefined && Date.now() < endMs) job = await page.evaluate(read, state);
  await page.close();
  if (job === undefined) throw new Error(`the deployment has no job in the state ${state} to look at`);
  return { job: job.job_id, workflow: job.workflow_id };
}
