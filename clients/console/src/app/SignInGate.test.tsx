import { QueryClientProvider, useQuery } from "@tanstack/react-query";
import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { expect, it, vi } from "vitest";
import { NO_SIGN_IN, type Session, type SessionState } from "../api/session";
import { makeQueryClient } from "./App";
import { SignInGate } from "./SignInGate";

function sessionThat(becomes: SessionState): Session {
  let current: SessionState = { signedIn: false, name: null, said: "" };
  const listeners = new Set<() => void>();
  return {
    ...NO_SIGN_IN,
    state: () => current,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    signIn: vi.fn(async () => {
      current = becomes;
      for (const listener of listeners) listener();
    }),
    signOut: async () => {
      current = { signedIn: false, name: null, said: "You are signed out." };
      for (const listener of listeners) listener();
    },
  };
}

function show(session: Session, children: ReactNode = "the jobs") {
  render(
    <QueryClientProvider client={makeQueryClient()}>
      <SignInGate session={session}>{children}</SignInGate>
    </QueryClientProvider>,
  );
}

it("shows nothing of the console before the sign-in, and all of it after", async () => {
  history.replaceState(null, "", "/jobs?state=FAILED");
  show(sessionThat({ signedIn: true, name: "ann", said: "" }));
  expect(screen.queryByText("the jobs")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
  await waitFor(() => expect(screen.getByText("the jobs")).toBeTruthy());
  expect(location.pathname + location.search).toBe("/jobs?state=FAILED");
});

it("says why nobody is signed in", async () => {
  const said = "Not signed in: the window was closed";
  show(sessionThat({ signedIn: false, name: null, said }));
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
  expect(await screen.findByText(said)).toBeTruthy();
});

it("asks nobody to sign in where the calls are signed elsewhere", () => {
  show(NO_SIGN_IN);
  expect(screen.getByText("the jobs")).toBeTruthy();
});

function Screen({ answers }: { answers: Promise<string>[] }) {
  const read = useQuery({ queryKey: ["jobs"], queryFn: async () => answers.shift() ?? "" });
  return <p>{read.data ?? "reading"}</p>;
}

it("forgets at the sign-out what it read for the person before", async () => {
  const answers = [Promise.resolve("what ann may see"), new Promise<string>(() => undefined)];
  const session = sessionThat({ signedIn: true, name: "ann", said: "" });
  show(session, <Screen answers={answers} />);
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
  await screen.findByText("what ann may see");
  await act(() => session.signOut());
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
  expect(await screen.findByText("reading")).toBeDefined();
});
