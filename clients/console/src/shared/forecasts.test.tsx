import { focusManager, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Connection, ConnectionContext } from "../api/context";
import { useJobForecast } from "./forecasts";

const MINUTE_MS = 60_000;
const FEW_MS = 100;

beforeEach(() => {
  vi.useFakeTimers();
  focusManager.setFocused(true);
});

afterEach(() => {
  focusManager.setFocused(undefined);
  vi.useRealTimers();
});

function Shown({ attempt, runs }: { attempt: number; runs: boolean }) {
  useJobForecast("J", attempt, runs, true);
  return null;
}

/** Shows the forecast of a job over answers with so many draws, and returns what shows it anew. */
function shown(draws: number) {
  const GET = vi.fn(async () => ({ data: { draws }, response: new Response() }));
  const connection = { api: { GET } } as unknown as Connection;
  const queries = new QueryClient();
  const page = (attempt: number, runs: boolean) => (
    <QueryClientProvider client={queries}>
      <ConnectionContext.Provider value={connection}>
        <Shown attempt={attempt} runs={runs} />
      </ConnectionContext.Provider>
    </QueryClientProvider>
  );
  const { rerender } = render(page(0, false));
  return { GET, show: (attempt: number, runs: boolean) => rerender(page(attempt, runs)) };
}

it.each([
  ["few jobs every few minutes", 60, 2],
  ["many jobs never", 20, 1],
])("forecasts again over %s by itself", async (_, draws, calls) => {
  const { GET } = shown(draws);
  await vi.advanceTimersByTimeAsync(FEW_MS);
  expect(GET).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(21 * MINUTE_MS);
  expect(GET).toHaveBeenCalledTimes(calls);
  // An old forecast is not read again because somebody comes back to the tab.
  await vi.advanceTimersByTimeAsync(6 * MINUTE_MS);
  focusManager.setFocused(false);
  focusManager.setFocused(true);
  await vi.advanceTimersByTimeAsync(FEW_MS);
  expect(GET).toHaveBeenCalledTimes(calls);
});

it("forecasts a job anew whenever it starts, and when it is READY again", async () => {
  const { GET, show } = shown(60);
  await vi.advanceTimersByTimeAsync(FEW_MS);
  for (const [attempt, runs, calls] of [
    [0, false, 1],
    [1, true, 2],
    [1, false, 3],
    [2, true, 4],
  ] as const) {
    show(attempt, runs);
    await vi.advanceTimersByTimeAsync(FEW_MS);
    expect(GET).toHaveBeenCalledTimes(calls);
  }
});
