/** The console at an address, over answers that a test gives in place of the API. */

import { configure, render } from "@testing-library/react";
import { vi } from "vitest";
import { makeApi } from "../api/client";
import { readConfig } from "../api/config";
import { NO_SIGN_IN } from "../api/session";
import { App } from "../app/App";

// Screens are loaded when they are shown for the first time, which takes a while on a machine that does other things.
configure({ asyncUtilTimeout: 8_000 });
vi.setConfig({ testTimeout: 30_000 });

/** The body of an answer. A function makes it anew from the request of each call. */
export type Answer = Readonly<Record<string, unknown>>;
export type Answers = Readonly<Record<string, Answer | ((request: Request) => Answer | Promise<Answer>)>>;

export const ME: Answer = {
  subject: "arn:aws:iam::123456789012:user/ann",
  display: "ann",
  kind: "user",
  namespace: "arn:aws:iam::123456789012:user/ann",
  namespaces: [],
  role: "operator",
  scopes: null,
  version: "1.0.0",
  stage: "live",
  stack: "tidegate",
};

const SIZE = 600;

/** Gives elements a size, without which a virtual table has no rows: jsdom lays nothing out. */
function giveSize(): void {
  for (const name of ["offsetHeight", "offsetWidth", "clientHeight", "clientWidth"] as const) {
    Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => SIZE });
  }
  Element.prototype.scrollTo = () => {};
  Element.prototype.scrollIntoView = () => {};
  window.scrollTo = () => {};
  HTMLCanvasElement.prototype.getContext = () => null;
}

/** Shows the screen at `address`. Returns the calls so far, each as `GET /v1/…`, in their order. */
export function showPage(address: string, answers: Answers): readonly string[] {
  giveSize();
  const calls: string[] = [];
  const send: typeof fetch = async (input, init) => {
    const request = input instanceof Request ? input : new Request(input, init);
    const url = new URL(request.url);
    const call = `${request.method} ${url.pathname}`;
    calls.push(`${call}${url.search}`);
    const found: Answers[string] | undefined = answers[call] ?? (call === "GET /v1/me" ? ME : undefined);
    if (found === undefined) return new Response("{}", { status: 404 });
    const answer = typeof found === "function" ? await found(request) : found;
    // A refusal is a problem, which names its status as a number.
    return new Response(JSON.stringify(answer), {
      status: typeof answer.status === "number" ? answer.status : 200,
      headers: { "content-type": "application/json" },
    });
  };
  window.history.pushState(null, "", address);
  // The page that the server makes has a base; here the API stands beside the root.
  const config = { ...readConfig(document), apiUrl: window.location.origin };
  const api = makeApi(config, NO_SIGN_IN.token, send);
  render(<App connection={{ api, config, session: NO_SIGN_IN }} basePath="/" />);
  return calls;
}
