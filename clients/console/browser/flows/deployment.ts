/** Asks and fills the deployment with the token of a page's person, and waits for what it answers. */

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { Page } from "playwright-core";
import { tokenOf, URL_OF_CONSOLE } from "./people.ts";

const LOOK_EVERY_MS = 250;
const PATIENCE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Calls the API as the page's person. The call must succeed. */
export async function asked<Answer>(
  page: Page,
  path: string,
  body?: Readonly<Record<string, unknown>>,
): Promise<Answer> {
  const answer = await fetch(new URL(`../v1/${path}`, URL_OF_CONSOLE), {
    method: body === undefined ? "GET" : "POST",
    headers: { Authorization: await tokenOf(page), "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return (await answer.json()) as Answer;
}

/** Submits a workflow and returns its id. */
export async function submittedWorkflow(
  page: Page,
  workflow: Readonly<Record<string, unknown>>,
): Promise<string> {
  return (await asked<{ workflow_id: string }>(page, "workflows", workflow)).workflow_id;
}

export interface Row {
  readonly job_id: string;
  readonly key: string;
  readonly state: string;
}

/** Returns the jobs of a workflow that one page of the API holds. */
export async function jobsOf(page: Page, workflow: string): Promise<readonly Row[]> {
  return (await asked<{ jobs: readonly Row[] }>(page, `workflows/${workflow}?limit=200`)).jobs;
}

/** Returns the first answer of `look` that is not null, or throws an error that names `what`. */
export async function until<Answer>(what: string, look: () => Promise<Answer | null>): Promise<Answer> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    const found = await look();
    if (found !== null) return found;
    await pause(LOOK_EVERY_MS);
  }
  throw new Error(`${what}: not within ${PATIENCE_MS / 1_000} s`);
}

/** Waits until the jobs of a workflow are in these states, by their keys. Other jobs may be in any state. */
export async function untilStates(
  page: Page,
  workflow: string,
  states: Readonly<Record<string, string>>,
): Promise<readonly Row[]> {
  return until(`workflow ${workflow} is as ${JSON.stringify(states)}`, async () => {
    const jobs = await jobsOf(page, workflow);
    const isThere = ([key, state]: [string, string]) =>
      jobs.some((job) => job.key === key && job.state === state);
    return Object.entries(states).every(isThere) ? jobs : null;
  });
}

/** Returns the job with a key among rows. */
export function withKey(rows: readonly Row[], key: string): Row {
  const found = rows.find((row) => row.key === key);
  assert.ok(found, `no job has the key ${key}`);
  return found;
}

/** A moment before which a job waits, later than any flow lasts. */
export function later(): string {
  return new Date(Date.now() + HOUR_MS).toISOString();
}

/** Goes to an address within the page, as a link does, so that nobody has to sign in again. */
export async function went(page: Page, path: string): Promise<void> {
  await page.evaluate((address) => {
    history.pushState(null, "", address);
    dispatchEvent(new PopStateEvent("popstate"));
  }, URL_OF_CONSOLE + path);
}
