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

function Shown() {
  useJobForecast("J", false);
  return null;
}

it.each([
  ["few jobs every few minutes", 60, 2],
  ["many jobs never", 20, 1],
])("forecasts again over %s by itself", async (_, draws, calls) => {
  const GET = vi.fn(async () => ({ data: { draws }, response: new Response() }));
  const connection = { api: { GET } } as unknown as Connection;
  render(
    <QueryClientProvider client={new QueryClient()}>
      <ConnectionContext.Provider value={connection}>
        <Shown />
      </ConnectionContext.Provider>
    </QueryClientProvider>,
  );
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
