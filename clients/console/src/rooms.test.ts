/** Which folder may use which: domain alone, then api, shared, screens, app. */

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, it } from "vitest";

const MAY_USE: Readonly<Record<string, readonly string[]>> = {
  domain: ["domain"],
  api: ["api", "domain"],
  shared: ["shared", "api", "domain"],
  screens: ["screens", "shared", "api", "domain"],
  app: ["app", "screens", "shared", "api", "domain"],
};
const PACKAGES_OF_DOMAIN = /^(\.|vitest$)/;
const IMPORT = /(?:\bfrom\s|import\()\s*"([^"]+)"/g;
const ROOT = import.meta.dirname;

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile() && /\.tsx?$/.test(each.name))
    .map((each) => join(each.parentPath, each.name));
}

it.each(Object.keys(MAY_USE))("%s uses only what stands below it", (room) => {
  for (const file of files(join(ROOT, room))) {
    for (const [, name] of readFileSync(file, "utf8").matchAll(IMPORT)) {
      const target = name ?? "";
      if (!target.startsWith(".")) {
        if (room === "domain") expect(target, file).toMatch(PACKAGES_OF_DOMAIN);
        continue;
      }
      const [top = ""] = relative(ROOT, join(file, "..", target)).split("/");
      expect([...(MAY_USE[room] ?? []), "testing"], `${file} imports ${target}`).toContain(top);
    }
  }
});

it("no file has more than 500 lines", () => {
  for (const file of files(ROOT).filter((each) => !each.endsWith("schema.d.ts"))) {
    expect(readFileSync(file, "utf8").split("\n").length, file).toBeLessThanOrEqual(501);
  }
});

it("every field to choose from has the browser's own list, for the build leaves the other one out", () => {
  const FIELD = /<TextField\b[^<]*?\sselect\s/g;
  let found = 0;
  for (const file of files(ROOT).filter((each) => each.endsWith(".tsx"))) {
    const text = readFileSync(file, "utf8");
    const fields = [...text.matchAll(FIELD)].length;
    found += fields;
    expect([...text.matchAll(/\bselect: \{ native: true \}/g)].length, file).toBe(fields);
    expect(text, file).not.toMatch(/@mui\/material\/(Select|Menu|Popover)"/);
  }
  expect(found).toBeGreaterThan(3);
});
