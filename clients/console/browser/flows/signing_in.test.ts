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

const ACTS =
  /^(Cancel|Change|Drain|End by hand|Hold|Limit|Make a share|Pause|Redrive|Remove|Rerun|Resume|Retry|Submit|Take off)/;
/** Where a viewer meets acts, each with one of them. */
const PLACES_OF_ACTS = [
  [`workflows/${WORKFLOW}`, "Rerun from failures"],
  [`jobs/${WORKFLOW}.1`, "Change"],
  ["pools?pool=lambda", "Pause"],
  ["types?type=tidegate.noop", "Limit"],
  ["failures?since=30d", "Retry"],
  ["submit?type=tidegate.noop", "Submit"],
] as const;

test("a viewer sees no enabled act and why, and the API refuses it too", async () => {
  const page = await signedIn("viewer", `workflows/${WORKFLOW}`);
  for (const [address, act] of PLACES_OF_ACTS) {
    // A page that is loaded anew asks for the sign-in again, so the address is changed within it.
    await page.evaluate((to) => {
      history.pushState(null, "", new URL(to, document.baseURI));
      dispatchEvent(new PopStateEvent("popstate"));
    }, address);
    await page
      .locator('main button:is([aria-disabled="true"], [disabled])', { hasText: act })
      .first()
      .waitFor();
    const enabled = await page.locator('main button:not([aria-disabled="true"], [disabled])').allInnerTexts();
    assert.deepEqual(
      enabled.filter((text) => ACTS.test(text)),
      [],
      address,
    );
  }
  const answer = await fetch(new URL(`../v1/workflows/${WORKFLOW}/rerun`, URL_OF_CONSOLE), {
    method: "POST",
    headers: { Authorization: await tokenOf(page) },
  });
  assert.ok([401, 403].includes(answer.status), `status ${answer.status}`);
  await page.context().close();
});
