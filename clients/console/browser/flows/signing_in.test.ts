/** People sign in, and see only what their role allows. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { signedIn, tokenOf, URL_OF_CONSOLE, WORKFLOW } from "./people.ts";

test("a deep link survives the sign-in, and nothing is stored", async () => {
  const page = await signedIn("viewer", "jobs?state=FAILED&order=time");
  const address = new URL(page.url());
  assert.equal(address.searchParams.get("state"), "FAILED");
  assert.equal(address.searchParams.get("order"), "time");
  const stored = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
  assert.deepEqual(stored, [0, 0, ""]);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("state"), "FAILED");
  await page.context().close();
});

test("a viewer sees why an act is not allowed, and the API refuses it too", async () => {
  const page = await signedIn("viewer", `workflows/${WORKFLOW}`);
  await page.locator('button[aria-disabled="true"]', { hasText: "Rerun from failures" }).waitFor();
  const answer = await fetch(new URL(`../v1/workflows/${WORKFLOW}/rerun`, URL_OF_CONSOLE), {
    method: "POST",
    headers: { Authorization: await tokenOf(page) },
  });
  assert.ok([401, 403].includes(answer.status), `status ${answer.status}`);
  await page.context().close();
});
