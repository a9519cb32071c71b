/** Shows the console at an address in the tests' page, over an API that is a table of answers. */

import { configure, type RenderResult, render } from "@testing-library/react";
import { vi } from "vitest";
import { makeApi } from "../api/client";
import { NO_SIGN_IN } from "../api/session";
import { App } from "../app/App";

// The first page of a test file loads its screen, which takes long on a busy machine.
configure({ asyncUtilTimeout: 5_000 });
vi.setConfig({ testTimeout: 30_000 });

const CONFIG = { apiUrl: "", pageToken: null, signIn: null, stack: "test", version: "0" };

export interface Asked {
  readonly method: string;
  /** The path with its parameters, such as `/v1/jobs?limit=5`. */
  readonly path: string;
  readonly body: unknown;
  readonly headers: Headers;
}

/** Answers a request; a Response is sent as it is, any other value as JSON with 200. */
export type Answer = unknown | ((asked: Asked) => unknown);

export interface Shown extends RenderResult {
  readonly asked: readonly Asked[];
}

export const ME = {
  subject: "arn:aws:iam::123456789012:user/ann",
  display: "ann",
  kind: "iam",
  namespace: "ann",
  namespaces: [],
  role: "operator",
  scopes: null,
  version: "0",
  stage: "live",
  stack: "test",
};

/** Returns a refusal as the API sends one. */
export function refusal(
  status: number,
  code: string,
  errors: readonly { field: string; message: string }[],
): Response {
  const problem = {
    type: `urn:tidegate:problem:${code}`,
    title: code,
    status,
    detail: code,
    instance: null,
    errors,
  };
  return new Response(JSON.stringify(problem), {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}

/** Renders the console at `address`. `answers` go by method and path without parameters, such as `GET /v1/pools`. */
export function showAt(address: string, answers: Readonly<Record<string, Answer>>): Shown {
  giveSizes();
  window.history.replaceState(null, "", address);
  const asked: Asked[] = [];
  const api = makeApi(
    CONFIG,
    async () => null,
    async (input, init) => {
      const request = new Request(input, init);
      const { pathname, search } = new URL(request.url);
      const text = await request.text();
      const one = {
        method: request.method,
        path: pathname + search,
        body: text === "" ? null : JSON.parse(text),
        headers: request.headers,
      };
      asked.push(one);
      const table: Readonly<Record<string, Answer>> = { "GET /v1/me": ME, ...answers };
      const answer = table[`${request.method} ${pathname}`];
      if (answer === undefined) return refusal(404, "not-found", []);
      const value: unknown = typeof answer === "function" ? await answer(one) : answer;
      return value instanceof Response ? value.clone() : Response.json(value);
    },
  );
  const page = render(<App connection={{ api, config: CONFIG, session: NO_SIGN_IN }} basePath="/" />);
  return Object.assign(page, { asked });
}

/** Gives elements a size, which jsdom does not: a table draws only the rows that it has room for. */
function giveSizes(): void {
  for (const [name, size] of [
    ["clientHeight", 800],
    ["clientWidth", 1200],
    ["offsetHeight", 800],
    ["offsetWidth", 1200],
  ] as const) {
    Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => size });
  }
  window.scrollTo = () => undefined;
  Element.prototype.scrollIntoView = () => undefined;
  window.matchMedia ??= (query) => ({
    matches: false,
    media: query,
    onchange: null,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    addListener: () => undefined,
    removeListener: () => undefined,
    dispatchEvent: () => false,
  });
  globalThis.ResizeObserver ??= class {
    observe(): void {}
    unobserve(): void {}
    disconnect(): void {}
  };
}
