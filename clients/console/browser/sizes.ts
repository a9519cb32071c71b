/** How many bytes of JavaScript the console costs, compressed as it is served. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

export interface Sizes {
  /** Kilobytes before the first screen, without the screen's own part. */
  readonly first: number;
  readonly largestLazy: number;
  readonly all: number;
}

const ENTRY = /(?:src|href)="\.\/(assets\/[^"]+\.js)"/g;

/** Measures a build in `folder`; the first part is what index.html names, with what those files import at once. */
export function measureSizes(folder: string): Sizes {
  const kilobytes = new Map<string, number>();
  const texts = new Map<string, string>();
  for (const name of readdirSync(join(folder, "assets")).filter((each) => each.endsWith(".js"))) {
    const bytes = readFileSync(join(folder, "assets", name));
    kilobytes.set(name, gzipSync(bytes, { level: 9 }).length / 1000);
    texts.set(name, bytes.toString("utf8"));
  }
  const html = readFileSync(join(folder, "index.html"), "utf8");
  const first = new Set<string>();
  const waiting = [...html.matchAll(ENTRY)].map(([, path]) => (path ?? "").replace("assets/", ""));
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (first.has(name)) continue;
    first.add(name);
    for (const [, imported] of (texts.get(name) ?? "").matchAll(
      /(?:import|from)\s*["']\.\/([^"']+\.js)["']/g,
    )) {
      if (imported !== undefined) waiting.push(imported);
    }
  }
  const of = (names: Iterable<string>) =>
    [...names].reduce((sum, name) => sum + (kilobytes.get(name) ?? 0), 0);
  const lazy = [...kilobytes.keys()].filter((name) => !first.has(name));
  return {
    first: of(first),
    largestLazy: Math.max(0, ...lazy.map((name) => kilobytes.get(name) ?? 0)),
    all: of(kilobytes.keys()),
  };
}
