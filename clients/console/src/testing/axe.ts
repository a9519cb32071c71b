/** Looks for faults of accessibility that can be seen without a browser: names, roles, order of headings. */

import axe from "axe-core";

/** Returns the faults of the page as `rule: element`. Colours need a real browser, which has its own test. */
export async function faultsOf(page: Element): Promise<readonly string[]> {
  const found = await axe.run(page, { rules: { "color-contrast": { enabled: false } } });
  return found.violations.flatMap((fault) =>
    fault.nodes.map((node) => `${fault.id}: ${node.html.slice(0, 160)}`),
  );
}
