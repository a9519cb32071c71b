/**
 * Takes a picture of every screen, light and dark, wide and on a phone, and has axe look at each.
 *
 * Run: node browser/pictures.ts URL FOLDER. URL is that of a console whose deployment has a failed job. Exits with 1 if
 * axe finds something or a page says an error.
 */

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { jobToSee } from "./ids.ts";
import { launch } from "./launch.ts";
import { SCHEMES, SIZES, screens } from "./screens.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SETTLED_MS = 1_200;
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

interface Finding {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary?: string }[];
}

async function main(url: string, folder: string): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const browser = await launch();
  const ids = await jobToSee(browser, url, "FAILED");
  let found = 0;
  const say = (text: string) => process.stdout.write(`${text}\n`);
  for (const scheme of SCHEMES) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      const page = await browser.newPage({ viewport, colorScheme: scheme });
      page.on("console", (message) => {
        if (message.type() === "error") {
          found += 1;
          say(`console: ${message.text()}`);
        }
      });
      page.on("pageerror", (error) => {
        found += 1;
        say(`page error: ${error.message}`);
      });
      for (const [name, path] of screens(ids)) {
        await page.goto(new URL(path, url).href, { waitUntil: "load" });
        await page.waitForTimeout(SETTLED_MS);
        await page.screenshot({ path: join(folder, `${name}-${size}-${scheme}.png`) });
        await page.evaluate(AXE);
        const violations = await page.evaluate<Finding[], string[]>(
          async (tags) =>
            (
              await (
                globalThis as unknown as {
                  axe: { run: (options: unknown) => Promise<{ violations: Finding[] }> };
                }
              ).axe.run({ runOnly: tags })
            ).violations,
          TAGS,
        );
        for (const each of violations) {
          found += each.nodes.length;
          say(`${name} ${size} ${scheme}: ${each.id}: ${each.help}`);
          for (const node of each.nodes.slice(0, 3)) say(`    ${node.target.join(" ")}`);
        }
      }
      await page.close();
    }
  }
  await browser.close();
  say(`${found} findings`);
  return found === 0 ? 0 : 1;
}

const [url, folder] = process.argv.slice(2);
if (url === undefined || folder === undefined) throw new Error("usage: node browser/pictures.ts URL FOLDER");
process.exit(await main(url, folder));
