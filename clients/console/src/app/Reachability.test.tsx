import { onlineManager, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, it } from "vitest";
import { problemOf, Unreachable } from "../api/problems";
import { makeQueryClient } from "./App";
import { Reachability } from "./Reachability";

afterEach(() => act(() => onlineManager.setOnline(true)));

function Screen({ read }: { read: () => Promise<string> }) {
  const { data } = useQuery({ queryKey: ["a"], queryFn: read, retry: false });
  return <p>{data ?? "nothing yet"}</p>;
}

function show(read: () => Promise<string>) {
  const queries = makeQueryClient();
  render(
    <QueryClientProvider client={queries}>
      <Screen read={read} />
      <Reachability />
    </QueryClientProvider>,
  );
  return queries;
}

const said = () => screen.getByRole("status", { name: "connection" }).textContent;

it("says nothing while answers come, and nothing of refusals", async () => {
  show(async () => Promise.reject(problemOf(403, {})));
  await screen.findByText("nothing yet");
  await act(async () => undefined);
  expect(said()).toBe("");
});

it("says that answers are missing, keeps what was read, and is silent once they come again", async () => {
  let answer: () => Promise<string> = async () => "first";
  const queries = show(() => answer());
  await screen.findByText("first");
  answer = async () => Promise.reject(new Unreachable("status 503"));
  await act(() => queries.refetchQueries());
  expect(await screen.findByText(/The API does not answer as it should.*status 503/)).toBeTruthy();
  expect(screen.getByText("first")).toBeTruthy();
  answer = async () => "second";
  await userEvent.click(screen.getByRole("button", { name: "Ask now" }));
  expect(await screen.findByText("second")).toBeTruthy();
  await waitFor(() => expect(said()).toBe(""));
});

it("says that there is no connection until it is back", async () => {
  show(async () => "first");
  await screen.findByText("first");
  act(() => onlineManager.setOnline(false));
  expect(await screen.findByText(/There is no connection/)).toBeTruthy();
  act(() => onlineManager.setOnline(true));
  await waitFor(() => expect(said()).toBe(""));
});
