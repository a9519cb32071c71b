/**
 * What the console does while something is lost: a worker, the connection, the token, the API.
 *
 * TIDEGATE_WORKERS is JSON: the process ids of two workers of pool ecs with one slot each, by the workers' ids.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { opened, signedIn, signIn, submitted, tokenOf, URL_OF_CONSOLE } from "./people.ts";
import { asked, callsOf, goTo, isMarked, jobIs, mark, setHidden, until } from "./trouble.ts";

const WORKERS = JSON.parse(process.env.TIDEGATE_WORKERS ?? "{}") as Record<string, number>;
const HIDDEN_MS = 15_000;
const FRESH_MS = 5_000;
const LOST_MS = 90_000;
const TOKEN_MS = 3_600_000;
const RENEWED_BEFORE_MS = 30_000;
const SCROLLED_PX = 300;
const SLEEP = { type: "tidegate.sleep", max_retries: 0 } as const;

/** The job whose worker was killed, and that worker and the other one. */
let killed: { readonly job: string; readonly worker: string; readonly other: string };

// It is noticed after a minute of silence, so the last test of this file looks at it.
test("a worker process dies while its job runs", async () => {
  const page = await signedIn("operator", "workers");
  const job = await submitted(page, { ...SLEEP, pool: "ecs", parameters: { seconds: 8 } });
  assert.ok(job);
  const worker = await jobIs(page, job, "RUNNING");
  const other = Object.keys(WORKERS).find((each) => each !== worker);
  const processId = WORKERS[worker ?? ""];
  assert.ok(worker && other && processId, `the job is with ${worker}`);
  process.kill(processId, "SIGKILL");
  killed = { job, worker, other };
  await page.context().close();
});

const connection = (page: Page) => page.getByRole("status", { name: "connection" });

test("nothing that happens while the connection is cut is missed, without a reload", async () => {
  const tag = `cut-${Date.now()}`;
  const page = await signedIn("operator", "settings");
  const job = { ...SLEEP, pool: "lambda", tags: { flow: tag }, parameters: { seconds: 10 } };
  const first = await submitted(page, job);
  assert.ok(first);
  await jobIs(page, first, "RUNNING");
  await goTo(page, `jobs?state=RUNNING,SUCCEEDED&tag=flow%3D${tag}`);
  const rows = page.getByRole("grid", { name: "jobs" }).locator("[data-index]");
  await rows.getByText("RUNNING").waitFor();
  await mark(page);
  await page.context().setOffline(true);
  await connection(page).getByText("There is no connection.").waitFor();
  const second = await submitted(page, { ...job, parameters: { seconds: 0 } });
  assert.ok(second);
  for (const each of [first, second]) await jobIs(page, each, "SUCCEEDED");
  assert.equal(await rows.getByText("RUNNING").count(), 1, "what was read stays");
  await page.context().setOffline(false);
  await rows.getByText("SUCCEEDED").waitFor({ timeout: FRESH_MS });
  assert.equal(await rows.count(), 1, "rows stay where they are");
  await page.getByRole("button", { name: "1 new: show" }).click({ timeout: FRESH_MS });
  await rows.nth(1).waitFor();
  assert.equal(await connection(page).textContent(), "");
  assert.ok(await isMarked(page), "the page was not loaded again");
  await page.context().close();
});

test("a hidden tab asks nothing, and is fresh soon after it is seen again", async () => {
  const page = await signedIn("operator", "settings");
  const job = await submitted(page, { ...SLEEP, pool: "lambda", parameters: { seconds: 12 } });
  assert.ok(job);
  await goTo(page, `jobs/${job}`);
  await page.getByText("RUNNING", { exact: true }).first().waitFor();
  const calls = callsOf(page);
  await until("the tab asks while it is seen", async () => calls.count > 0);
  await setHidden(page, true);
  const before = calls.count;
  await new Promise((done) => setTimeout(done, HIDDEN_MS));
  assert.equal(calls.count - before, 0, "calls of the hidden tab");
  await jobIs(page, job, "SUCCEEDED");
  await setHidden(page, false);
  await page.getByText("SUCCEEDED", { exact: true }).first().waitFor({ timeout: FRESH_MS });
  await page.context().close();
});

/** Opens the page of a job that runs for long, scrolled down, with a clock that the test may set. */
async function scrolledPage() {
  const page = await opened("settings", { viewport: { width: 1440, height: 500 } });
  const calls = callsOf(page);
  await page.clock.install();
  await signIn(page, "operator");
  const first = await tokenOf(page);
  const job = await submitted(page, { ...SLEEP, pool: "lambda", parameters: { seconds: 60 } });
  assert.ok(job);
  await goTo(page, `jobs/${job}`);
  await page.getByText("RUNNING", { exact: true }).first().waitFor();
  await page.getByText("Forecast again").waitFor(); // it comes later than the rest, and moves what is below it
  await page.locator("#main").evaluate((main, px) => main.scrollTo(0, px), SCROLLED_PX);
  await mark(page);
  const goesOn = async () => {
    await until("calls go with another token", async () => (await tokenOf(page)) !== first);
    const count = calls.statuses.length;
    await until("calls with it are answered", async () => calls.statuses.length > count);
    const refused = calls.statuses.filter((status) => status !== 200);
    assert.deepEqual(refused, []);
    assert.ok(await isMarked(page), "the page was not made anew");
    assert.equal(await page.locator("#main").evaluate((main) => main.scrollTop), SCROLLED_PX);
    await asked(page, `jobs/${job}/cancel`, {});
  };
  return { page, goesOn };
}

test("a token is renewed unseen: calls go on, and the page stays as it is", async () => {
  const { page, goesOn } = await scrolledPage();
  const windows: Page[] = [];
  page.context().on("page", (opened) => windows.push(opened));
  await page.clock.fastForward(TOKEN_MS - RENEWED_BEFORE_MS);
  await goesOn();
  assert.equal(windows.length, 0, "windows that opened");
  await page.context().close();
});

test("a computer that slept longer than its token goes on, though the network comes back late", async () => {
  const { page, goesOn } = await scrolledPage();
  let renewals = 0;
  await page.context().route("**/oauth2/token", async (route) => {
    renewals += 1;
    if (renewals === 1) await route.abort("internetdisconnected");
    else await route.continue();
  });
  await page.clock.fastForward(2 * TOKEN_MS);
  await goesOn();
  assert.ok(renewals > 1, "the renewal was tried again");
  await page.context().close();
});

test("a session that can't be renewed ends at its address, and goes on there after the sign-in", async () => {
  const page = await opened("jobs?state=FAILED&order=time");
  await page.clock.install();
  await signIn(page, "viewer");
  await page
    .context()
    .route("**/oauth2/token", (route) => route.fulfill({ status: 400, json: { error: "invalid_grant" } }));
  await page.clock.fastForward(TOKEN_MS);
  await page.getByText("Your session has ended.").waitFor();
  const address = new URL(page.url());
  assert.equal(address.search, "?state=FAILED&order=time");
  await page.context().unroute("**/oauth2/token");
  await signIn(page, "viewer");
  await page.getByRole("heading", { level: 1, name: "Jobs" }).waitFor();
  assert.equal(page.url(), address.href);
  await page.context().close();
});

test("a token that was changed by hand is refused", async () => {
  const page = await signedIn("viewer", "settings");
  const [head = "", body = "", signature = ""] = (await tokenOf(page)).split(".");
  const turned = signature.slice(0, 10) + (signature[10] === "A" ? "B" : "A") + signature.slice(11);
  for (const bad of [[head, body, turned].join("."), "Bearer nonsense", ""]) {
    const answer = await fetch(new URL("../v1/jobs", URL_OF_CONSOLE), {
      headers: bad === "" ? {} : { Authorization: bad },
    });
    assert.equal(answer.status, 401, `with ${bad.slice(0, 20)}`);
  }
  await page.context().close();
});

test("while the API answers 503 the page says so, keeps what it has, asks less often, and recovers", async () => {
  const page = await opened("settings");
  await page.clock.install();
  await signIn(page, "operator");
  const job = await submitted(page, { ...SLEEP, pool: "lambda", parameters: { seconds: 5 } });
  assert.ok(job);
  await goTo(page, `jobs/${job}`);
  await page.getByText("RUNNING", { exact: true }).first().waitFor();
  const calls = callsOf(page);
  /** Lets time pass in the page, each second after the calls of the one before have their answers. */
  const pass = async (seconds: number, isEnough = async () => false) => {
    for (let second = 0; second < seconds && !(await isEnough()); second++) {
      await page.clock.runFor(1_000);
      await until("each call has its answer", async () => calls.open.size === 0);
    }
  };
  await page.route("**/v1/**", (route) =>
    route.fulfill({ status: 503, json: { message: "Service Unavailable" } }),
  );
  await pass(30);
  await connection(page).getByText("The API does not answer as it should").waitFor();
  await page.getByText("RUNNING", { exact: true }).first().waitFor();
  await page.getByRole("heading", { level: 1, name: job }).waitFor();
  const before = calls.count;
  await pass(120);
  assert.ok(calls.count > before, "it still asks");
  assert.ok(calls.count - before <= 10, `${calls.count - before} calls in two minutes, of 24 in good times`);
  await jobIs(page, job, "SUCCEEDED");
  await page.unroute("**/v1/**");
  const isFresh = async () => (await page.getByText("SUCCEEDED", { exact: true }).count()) > 0;
  await pass(120, isFresh);
  assert.ok(await isFresh(), "the page recovers");
  assert.equal(await connection(page).textContent(), "");
  await page.context().close();
});

test("a killed worker is shown LOST, the other one runs its job, and drains from the console", async () => {
  const page = await signedIn("operator", "workers?pool=ecs");
  const tile = (worker: string) =>
    page.getByRole("list", { name: "workers" }).getByRole("listitem").filter({ hasText: worker });
  await tile(killed.worker).getByText("LOST").waitFor({ timeout: LOST_MS });
  assert.equal(await jobIs(page, killed.job, "SUCCEEDED"), killed.other);
  await tile(killed.other).getByRole("link").click();
  const panel = page.getByRole("region", { name: /^Worker / });
  await panel.getByText("attempt 2").waitFor();
  await panel.getByRole("button", { name: "Drain", exact: true }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Drain the worker" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await tile(killed.other)
    .getByText(/DRAINING|INACTIVE/)
    .waitFor();
  await tile(killed.other).getByText("INACTIVE").waitFor();
  await page.context().close();
});
