/** Lighthouse's figures. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import lighthouse, { desktopConfig } from "lighthouse";
import { ARGUMENTS, chromiumPath } from "../launch.ts";
import { type Bar, quantile, tell } from "./bar.ts";

const TRIES = 3;
const STARTED = /ws:\/\/127\.0\.0\.1:(\d+)\//;

/**
 * Serves the console at `url` without its header Referrer-Policy: under Lighthouse this Chromium (149) breaks off each
 * page with that header, whatever its value (net::ERR_ABORTED). People's pages and all other bars keep it.
 */
async function withoutReferrerPolicy(url: URL): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, host: url.host, connection: "close" };
    delete (headers as Record<string, unknown>).origin;
    const asked = request(
      { host: url.hostname, port: url.port, path: incoming.url, method: incoming.method, headers },
      (answer) => {
        const { "referrer-policy": _, ...kept } = answer.headers;
        outgoing.writeHead(answer.statusCode ?? 502, kept);
        answer.pipe(outgoing);
      },
    );
    asked.on("error", () => outgoing.destroy());
    incoming.pipe(asked);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** Starts a browser that nothing but Lighthouse drives; returns it with its port. */
async function ownBrowser(folder: string): Promise<readonly [ChildProcess, number]> {
  const browser = spawn(
    await chromiumPath(),
    [...ARGUMENTS, "--headless", "--remote-debugging-port=0", `--user-data-dir=${folder}`, "about:blank"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  for await (const part of browser.stderr ?? []) {
    said += String(part);
    const port = STARTED.exec(said)?.[1];
    if (port !== undefined) return [browser, Number(port)];
  }
  throw new Error(`the browser did not start: ${said}`);
}

interface Speed {
  readonly performance: number;
  readonly accessibility: number;
  readonly paint: number;
  readonly blocking: number;
  readonly shift: number;
}

async function lookAt(url: string, port: number): Promise<Speed> {
  const ran = await lighthouse(
    url,
    { port, logLevel: "error", onlyCategories: ["performance", "accessibility"] },
    desktopConfig,
  );
  if (ran === undefined) throw new Error("lighthouse gave no result");
  const { categories, audits, runtimeError } = ran.lhr;
  if (runtimeError !== undefined)
    throw new Error(`lighthouse: ${runtimeError.code}: ${runtimeError.message}`);
  const audit = (id: string) => audits[id]?.numericValue ?? Number.NaN;
  return {
    performance: categories.performance?.score ?? 0,
    accessibility: categories.accessibility?.score ?? 0,
    paint: audit("largest-contentful-paint"),
    blocking: audit("total-blocking-time"),
    shift: audit("cumulative-layout-shift"),
  };
}

/** Looks at each screen three times. The median of a screen counts, and of the screens the worst. */
export async function pageSpeed(url: string, paths: readonly string[]): Promise<Bar[]> {
  const server = await withoutReferrerPolicy(new URL(url));
  const folder = mkdtempSync(join(tmpdir(), "tidegate-lighthouse-"));
  const [browser, port] = await ownBrowser(folder);
  const found: Speed[] = [];
  try {
    for (const path of paths) {
      const address = new URL(path, url);
      address.port = String((server.address() as AddressInfo).port);
      const tries: Speed[] = [];
      for (let count = 0; count < TRIES; count++) tries.push(await lookAt(address.href, port));
      const median = (name: keyof Speed) =>
        quantile(
          tries.map((each) => each[name]),
          0.5,
        );
      const speed = {
        performance: median("performance"),
        accessibility: median("accessibility"),
        paint: median("paint"),
        blocking: median("blocking"),
        shift: median("shift"),
      };
      found.push(speed);
      tell(`lighthouse ${path === "" ? "overview" : path}: ${JSON.stringify(speed)}`);
    }
  } finally {
    const ended = once(browser, "exit");
    browser.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    server.close();
  }
  const all = (name: keyof Speed) => found.map((each) => each[name]);
  return [
    {
      name: "Lighthouse performance, desktop, lowest of the screens",
      value: Math.min(...all("performance")),
      unit: "",
      least: 0.95,
    },
    {
      name: "Lighthouse accessibility, lowest of the screens",
      value: Math.min(...all("accessibility")),
      unit: "",
      least: 1,
    },
    { name: "largest contentful paint", value: Math.max(...all("paint")), unit: "ms", most: 1_500 },
    { name: "total blocking time", value: Math.max(...all("blocking")), unit: "ms", most: 100 },
    { name: "cumulative layout shift", value: Math.max(...all("shift")), unit: "", most: 0.02 },
  ];
}
