/** Calls of the API. Paths, parameters and answers have the types of docs/reference/openapi.json. */

import createClient, { type Client } from "openapi-fetch";
import type { Config } from "./config";
import { problemOf, Unreachable } from "./problems";
import type { paths } from "./schema";

export type Api = Client<paths>;

/** Gives the bearer token of each call; null where nobody is signed in, or nobody needs to be. */
export type TokenSource = () => Promise<string | null>;

/** Makes the client of one page. */
export function makeApi(
  config: Config,
  token: TokenSource,
  send: typeof fetch = (input, init) => fetch(input, init),
): Api {
  const api = createClient<paths>({
    baseUrl: new URL(config.apiUrl || ".", document.baseURI).href.replace(/\/$/, ""),
    fetch: (request) => send(request),
  });
  api.use({
    async onRequest({ request }) {
      const bearer = await token();
      if (bearer !== null) request.headers.set("Authorization", `Bearer ${bearer}`);
      if (config.pageToken !== null) request.headers.set("X-Tidegate-Console", config.pageToken);
      return request;
    },
  });
  return api;
}

interface Answered<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/** Returns the answer's body. Raises ApiProblem where the API refused, and Unreachable where no answer came. */
export async function answerOf<T>(call: Promise<Answered<T>>): Promise<T> {
  let answered: Answered<T>;
  try {
    answered = await call;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable(error instanceof Error ? error.message : String(error));
  }
  if (answered.data === undefined || !answered.response.ok) {
    throw problemOf(answered.response.status, answered.error);
  }
  return answered.data;
}
