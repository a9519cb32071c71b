/** Renders one screen over an API that a test answers for. */

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  Outlet,
  RouterProvider,
} from "@tanstack/react-router";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { vi } from "vitest";
import { makeApi } from "../api/client";
import type { Config } from "../api/config";
import { ConnectionContext } from "../api/context";
import { NO_SIGN_IN } from "../api/session";

const CONFIG: Config = { apiUrl: "", pageToken: null, signIn: null, stack: "test", version: "0" };

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

/** Answers one call: a body, or a response. Undefined is answered with 404. */
export type Answer = (call: Call) => unknown;

/** Gives elements a size, without which a virtual table draws no row. */
export function giveSizes(): void {
  vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.spyOn(Element.prototype, "clientWidth", "get").mockReturnValue(1_000);
  // jsdom scrolls nothing, and says so each time that the router asks for it.
  vi.spyOn(window, "scrollTo").mockReturnValue();
}

/** Renders `screen` for the route `route` at the address `at`, and returns the calls and the router. */
export function renderScreen(screen: () => ReactNode, route: string, at: string, answer: Answer) {
  giveSizes();
  const calls: Call[] = [];
  const send = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    const text = await request.text();
    const call = {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      body: text === "" ? null : JSON.parse(text),
    };
    calls.push(call);
    const answered = answer(call);
    if (answered instanceof Response) return answered;
    return answered === undefined
      ? Response.json(
          { type: "urn:tidegate:problem:not-found", title: "", status: 404, detail: call.path, errors: [] },
          { status: 404 },
        )
      : Response.json(answered);
  };
  const root = createRootRoute({
    component: () => (
      <main>
        <Outlet />
      </main>
    ),
  });
  const paths = [...new Set([route, "/jobs", "/jobs/$jobId", "/workflows/$workflowId"])];
  const router = createRouter({
    routeTree: root.addChildren(
      paths.map((path) =>
        createRoute({
          getParentRoute: () => root,
          path,
          component: path === route ? screen : () => <p>{path}</p>,
        }),
      ),
    ),
    history: createMemoryHistory({ initialEntries: [at] }),
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: (search) => {
      const text = new URLSearchParams(
        Object.entries(search).flatMap(([name, value]) => (value == null ? [] : [[name, String(value)]])),
      ).toString();
      return text === "" ? "" : `?${text}`;
    },
  });
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const rendered = render(
    <QueryClientProvider client={queries}>
      <ConnectionContext.Provider
        value={{ api: makeApi(CONFIG, async () => null, send), config: CONFIG, session: NO_SIGN_IN }}
      >
        {/* The types of the console's own router are registered; this one has the same addresses. */}
        <RouterProvider router={router as never} />
      </ConnectionContext.Provider>
    </QueryClientProvider>,
  );
  return { ...rendered, calls, router, queries };
}
