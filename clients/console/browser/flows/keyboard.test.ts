/** Somebody works with the keyboard alone. The focus can always be seen, and comes back from dialogs. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { asked, later, submittedWorkflow, until, untilStates, withKey } from "./deployment.ts";
import { credentialsOf, newPage, URL_OF_CONSOLE } from "./people.ts";

const MOST_TABS = 60;

interface Focused {
  readonly name: string;
  readonly tag: string;
  readonly visible: boolean;
}

/** Returns what has the focus, and whether somebody can see that it has. */
async function focused(page: Page): Promise<Focused> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (element === null || element === document.body) return { name: "", tag: "BODY", visible: false };
    const name = element.getAttribute("aria-label") ?? element.getAttribute("name") ?? "";
    // A field shows the focus at its frame; anything else at itself.
    const frame =
      element.closest(".MuiInputBase-root, .MuiCheckbox-root, .MuiRadio-root, .MuiTab-root") ?? element;
    const isOutlined = (each: Element) => {
      const { outlineStyle, outlineWidth } = getComputedStyle(each);
      return outlineStyle !== "none" && Number.parseFloat(outlineWidth) > 0;
    };
    const visible = isOutlined(element) || isOutlined(frame) || frame.classList.contains("Mui-focused");
    return { name: `${name} ${element.textContent ?? ""}`.trim(), tag: element.tagName, visible };
  });
}

/** Presses Tab until the thing with this name has the focus. Each stop on the way must be seen. */
async function tabbedTo(page: Page, name: string | RegExp, tag?: string, key = "Tab"): Promise<void> {
  for (let count = 0; count < MOST_TABS; count += 1) {
    await page.keyboard.press(key);
    const here = await focused(page);
    if (here.tag === "BODY") continue;
    assert.ok(here.visible, `nobody sees that ${here.tag} "${here.name}" has the focus`);
    const fits = typeof name === "string" ? here.name === name : name.test(here.name);
    if (fits && (tag === undefined || here.tag === tag)) return;
  }
  assert.fail(`${name} can't be reached with Tab`);
}

/** Waits until something with this text has the focus, and can be seen to have it. */
async function focusedOn(page: Page, text: string): Promise<void> {
  await until(`the focus is on ${text}`, async () => {
    const here = await focused(page);
    return here.visible && here.name.includes(text) ? here : null;
  });
}

/** Signs in by keyboard, in the page and in the window that it opens. */
async function signedInByKeys(role: string): Promise<Page> {
  const page = await newPage();
  await page.goto(URL_OF_CONSOLE, { waitUntil: "load" });
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await tabbedTo(page, "Sign in", "BUTTON");
  const [popup] = await Promise.all([page.waitForEvent("popup"), page.keyboard.press("Enter")]);
  await popup.locator('input[name="username"]').waitFor();
  const { name, password } = credentialsOf(role);
  for (const [field, text] of [
    ["username", name],
    ["password", password],
  ] as const) {
    while ((await popup.evaluate(() => document.activeElement?.getAttribute("name"))) !== field)
      await popup.keyboard.press("Tab");
    await popup.keyboard.type(text);
  }
  await Promise.all([popup.waitForEvent("close"), popup.keyboard.press("Enter")]);
  await page.getByRole("navigation", { name: "screens" }).waitFor();
  return page;
}

test("a failed job is found and retried, and an id looked up, by keyboard alone", async () => {
  const page = await signedInByKeys("operator");
  const name = `keys-${Date.now()}`;
  const workflow = await submittedWorkflow(page, {
    jobs: [
      {
        key: "fails-once",
        name: `${name}-a`,
        type: "demo.flaky",
        parameters: { failing_attempts: 1 },
        max_retries: 0,
      },
      { key: "other", name: `${name}-b`, type: "tidegate.noop", not_before: later() },
    ],
  });
  const jobs = await untilStates(page, workflow, { "fails-once": "FAILED", other: "SCHEDULED" });
  const failed = withKey(jobs, "fails-once").job_id;

  await page.keyboard.press("g");
  await page.keyboard.press("j");
  await page.getByRole("heading", { level: 1, name: "Jobs" }).waitFor();
  await page.keyboard.press("/");
  assert.equal((await focused(page)).tag, "INPUT");
  await page.keyboard.type(name);
  await page.keyboard.press("Enter");
  const grid = page.getByRole("grid", { name: "jobs" });
  await until("the list is filtered", async () =>
    (await grid.getAttribute("aria-rowcount").catch(() => null)) === "3" ? true : null,
  );
  await tabbedTo(page, /tidegate\.noop|demo\.flaky/, "DIV");
  await page.keyboard.press("Home");
  await focusedOn(page, "other");
  await page.keyboard.press("j");
  await focusedOn(page, "fails-once");
  await page.keyboard.press("Enter");
  const panel = page.getByRole("region", { name: `job ${failed}` });
  await panel.waitFor();
  await focusedOn(page, "Open the whole job");
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "hidden" });
  await focusedOn(page, "fails-once");
  await page.keyboard.press("Enter");
  await panel.waitFor();
  await tabbedTo(page, "Open the whole job", "A");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "fails-once" }).waitFor();

  // Back to the top, and past the rail of screens to the content.
  await tabbedTo(page, "Skip to the content", "A", "Shift+Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "fails-once" }).waitFor();
  await tabbedTo(page, "Retry", "BUTTON");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByText(/It opens/).waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await focusedOn(page, "Retry");
  await page.keyboard.press("Enter");
  await dialog.getByText(/It opens/).waitFor();
  await tabbedTo(page, "Retry", "BUTTON");
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  await focusedOn(page, "Retry");
  await page.getByText("SUCCEEDED", { exact: true }).first().waitFor();

  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog", { name: "Keys" }).waitFor({ state: "hidden" });
  await focusedOn(page, "Retry");

  await page.keyboard.press("Control+k");
  await page.getByRole("dialog", { name: "Look up an id" }).waitFor();
  await page.keyboard.type(workflow.toLowerCase());
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(`/workflows/${workflow}$`));
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await page.keyboard.press("Control+k");
  await page.keyboard.type(failed);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "fails-once" }).waitFor();
  await asked(page, `workflows/${workflow}/cancel`, {});
  await page.context().close();
});
