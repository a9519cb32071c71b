import { focusManager, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useLive } from "../api/live";
import { Pace } from "../api/pace";
import { Unreachable } from "../api/problems";
import { usePaced, useSteady } from "./paced";

const MINUTE_MS = 60_000;
const FEW_MS = 100;

/** What each query was asked, in order. */
let asked: string[] = [];
let answers: Record<string, () => unknown> = {};
let queries = new QueryClient();

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  answers = {};
  queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
});

afterEach(() => {
  cleanup();
  focusManager.setFocused(undefined);
  vi.useRealTimers();
});

async function answerFor(name: string): Promise<unknown> {
  asked.push(name);
  return answers[name]?.() ?? 0;
}

function Leading({ name, moves }: { name: string; moves: boolean }) {
  useLive({ key: [name], read: () => answerFor(name), moves: () => moves });
  return null;
}

function Following({ name, everyMs = 10_000 }: { name: string; everyMs?: number }) {
  usePaced({ key: [name], read: () => answerFor(name), everyMs: () => everyMs });
  return null;
}

function Steady({ name, enabled }: { name: string; enabled: boolean }) {
  useSteady({ key: [name], read: () => answerFor(name), everyMs: 10 * MINUTE_MS, enabled });
  return null;
}

/** Shows readings, and forgets their first calls. */
async function show(shown: ReactNode): Promise<void> {
  render(<QueryClientProvider client={queries}>{shown}</QueryClientProvider>);
  await vi.advanceTimersByTimeAsync(FEW_MS);
  asked = [];
}

it("makes no more than 12 calls a minute, however many readings change", async () => {
  let count = 0;
  answers = { lead: () => ++count, other: () => ++count };
  await show(
    <>
      <Leading name="lead" moves />
      <Leading name="other" moves />
      {["a", "b", "c", "d", "e"].map((name) => (
        <Following key={name} name={name} />
      ))}
    </>,
  );
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
  expect(asked.length).toBeLessThanOrEqual(120);
  expect(new Set(asked)).toEqual(new Set(["lead", "other", "a", "b", "c", "d", "e"]));
  expect(asked.filter((name) => name === "lead" || name === "other").length).toBeGreaterThanOrEqual(59);
});

it("sees a change within five seconds, and reads what follows with the next turn", async () => {
  let state = "RUNNING";
  answers = { lead: () => state };
  await show(
    <>
      <Leading name="lead" moves />
      <Following name="a" />
    </>,
  );
  await vi.advanceTimersByTimeAsync(25_000);
  expect(new Set(asked)).toEqual(new Set(["lead"]));
  state = "FAILED";
  asked = [];
  await vi.advanceTimersByTimeAsync(5_000);
  expect(queries.getQueryData(["lead"])).toBe("FAILED");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(asked).toEqual(["lead", "a"]);
});

it("makes two calls a minute while nothing moves, and none in a hidden tab", async () => {
  await show(
    <>
      <Leading name="lead" moves={false} />
      <Following name="a" />
      <Following name="b" />
    </>,
  );
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
  expect(asked.length).toBeLessThanOrEqual(20);
  expect(asked).toContain("b");
  focusManager.setFocused(false);
  asked = [];
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
  expect(asked).toEqual([]);
  focusManager.setFocused(true);
  await vi.advanceTimersByTimeAsync(FEW_MS);
  expect(asked).toContain("lead");
});

it("counts a call that a panel makes of its own as the next turn, once", async () => {
  await show(<Leading name="lead" moves />);
  await vi.advanceTimersByTimeAsync(5_000);
  const open = (panel: string) =>
    queries.fetchQuery({ queryKey: [panel], queryFn: () => answerFor("panel") });
  asked = [];
  await vi.advanceTimersByTimeAsync(2_000);
  await open("one");
  await vi.advanceTimersByTimeAsync(4_000);
  await open("other");
  expect(asked).toEqual(["panel", "panel"]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toEqual(["panel", "panel", "lead"]);
});

it("asks less and less while no answer comes", async () => {
  await show(<Leading name="lead" moves />);
  answers = {
    lead: () => {
      throw new Unreachable("cut off");
    },
  };
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
  expect(asked.length).toBeGreaterThan(4);
  expect(asked.length).toBeLessThan(12);
  answers = { lead: () => "back" };
  await vi.advanceTimersByTimeAsync(2 * MINUTE_MS);
  expect(queries.getQueryData(["lead"])).toBe("back");
});

it("leaves a query alone while another one says when to read it", async () => {
  await show(<Leading name="lead" moves />);
  const read = vi.fn(async () => undefined);
  const reading = { leads: true, everyMs: 0, moves: true, readAtMs: 0, changedAtMs: 0, failures: 0 };
  const end = Pace.of(queries).add({ reading: () => reading, read, insteadOf: ["lead"] });
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(asked).toEqual([]);
  expect(read.mock.calls.length).toBeGreaterThanOrEqual(11);
  end();
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(asked.length).toBeGreaterThanOrEqual(11);
});

it("reads what is steady once in its time, whatever changes and however often its screen is opened", async () => {
  let count = 0;
  answers = { lead: () => ++count };
  const shown = (enabled: boolean, key: string) => (
    <QueryClientProvider client={queries}>
      <Leading name="lead" moves />
      <Steady key={key} name="a" enabled={enabled} />
    </QueryClientProvider>
  );
  const { rerender } = render(shown(true, "first"));
  for (const [place, enabled] of [false, true, false, true].entries()) {
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS);
    rerender(shown(enabled, place < 2 ? "first" : "again"));
  }
  const reads = () => asked.filter((name) => name === "a").length;
  await vi.advanceTimersByTimeAsync(MINUTE_MS);
  expect(reads()).toBe(1);
  await vi.advanceTimersByTimeAsync(2 * MINUTE_MS);
  expect(reads()).toBe(2);
});
