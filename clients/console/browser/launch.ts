/** Starts the Chromium that npm brings, so that nobody installs a browser for the tests. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import sparticuz from "@sparticuz/chromium";
import { type Browser, chromium } from "playwright-core";

const LIBRARIES = join(tmpdir(), "tidegate-chromium-libraries");
const ARCHIVE = join(import.meta.dirname, "../node_modules/@sparticuz/chromium/bin/al2023.tar.br");

/** Returns the path of the browser, after unpacking it and the libraries that a bare machine lacks. */
export async function chromiumPath(): Promise<string> {
  if (!existsSync(join(LIBRARIES, "lib"))) {
    mkdirSync(LIBRARIES, { recursive: true });
    const tar = join(LIBRARIES, "libraries.tar");
    writeFileSync(tar, brotliDecompressSync(readFileSync(ARCHIVE)));
    execFileSync("tar", ["xf", tar, "-C", LIBRARIES]);
  }
  process.env.LD_LIBRARY_PATH = [join(LIBRARIES, "lib"), process.env.LD_LIBRARY_PATH]
    .filter(Boolean)
    .join(":");
  return sparticuz.executablePath();
}

/** The arguments of a browser without a sandbox of its own. What keeps pages apart stays on, as for people. */
export const ARGUMENTS: readonly string[] = ["--no-sandbox", "--disable-dev-shm-usage"];

/** Starts a browser; the caller closes it. */
export async function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: await chromiumPath(), args: [...ARGUMENTS], headless: true });
}
