/** Shows the console at an address in the tests' page, over answers that a test gives in place of the API. */

import type { QueryClient } from "@tanstack/react-query";
import { type RenderResult, render } from "@testing-library/react";
import { makeApi } from "../api/client";
import { NO_SIGN_IN } from "../api/session";
import { App, makeQueryClient } from "../app/App";

// The page that the server makes has a base; here the API stands beside the root.
const CONFIG = { apiUrl: window.location.origin, pageToken: null, signIn: null, stack: "test", version: "0" };

export interface Asked {
  readonly method: string;
  /** The path without parameters, such as `/v1/jobs`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** All of it in one line, such as `GET /v1/jobs?limit=5`. */
  readonly call: string;
  readonly body: unknown;
  readonly headers: Headers;
}

/** Answers a request: a Response is sent as it is, undefined becomes a refusal with 404, any other value JSON with 200. */
export type Answer = (asked: Asked) => unknown;

/** Answers by method and path, such as `GET /v1/pools`: values, or functions that make them anew. */
export type Answers = Readonly<Record<string, unknown>>;

export interface Shown extends RenderResult {
  readonly asked: readonly Asked[];
  readonly queries: QueryClient;
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
  errors: readonly { field: string; message: string }[] = [],
  detail: string = code,
): Response {
  const problem = {
    type: `urn:tidegate:problem:${code}`,
    title: code,
    status,
    detail,
    instance: null,
    errors,
  };
  return new Response(JSON.stringify(problem), {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}

/** Returns the parameters of the address that the page is at. */
export function searchNow(): Readonly<Record<string, string>> {
  return Object.fromEntries(new URLSearchParams(window.location.search));
}

async function askedBy(request: Request): Promise<Asked> {
  const { pathname, search, searchParams } = new URL(request.url);
  const text = await request.text();
  return {
    method: request.method,
    path: pathname,
    query: searchParams,
    call: `${request.method} ${pathname}${search}`,
    body: text === "" ? null : JSON.parse(text),
    headers: request.headers,
  };
}

function answerFrom(answers: Answers): Answer {
  return (asked) => {
    const answer = answers[`${asked.method} ${asked.path}`];
    return typeof answer === "function" ? answer(asked) : answer;
  };
}

/** Renders the console at `address`. Where a test does not say who the caller is, it is an operator. */
export function showAt(address: string, answers: Answers | Answer): Shown {
  giveSizes();
  window.history.replaceState(null, "", address);
  const asked: Asked[] = [];
  const answerOf = typeof answers === "function" ? answers : answerFrom(answers);
  const send: typeof fetch = async (input, init) => {
    const one = await askedBy(new Request(input, init));
    asked.push(one);
    const answer = (await answerOf(one)) ?? (one.path === "/v1/me" ? ME : refusal(404, "not-found"));
    return answer instanceof Response ? answer.clone() : Response.json(answer);
  };
  const api = makeApi(CONFIG, async () => null, send);
  const queries = makeQueryClient();
  const connection = { api, config: CONFIG, session: NO_SIGN_IN };
  const page = render(<App connection={connection} queries={queries} basePath="/" />);
  return Object.assign(page, { asked, queries });
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
  Element.prototype.scrollTo = () => undefined;
  Element.prototype.scrollIntoView = () => undefined;
  HTMLCanvasElement.prototype.getContext = () => null;
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
