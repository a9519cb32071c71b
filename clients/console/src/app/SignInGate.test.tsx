import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { NO_SIGN_IN, type Session, type SessionState } from "../api/session";
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
  };
}

it("shows nothing of the console before the sign-in, and all of it after", async () => {
  history.replaceState(null, "", "/jobs?state=FAILED");
  render(<SignInGate session={sessionThat({ signedIn: true, name: "ann", said: "" })}>the jobs</SignInGate>);
  expect(screen.queryByText("the jobs")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
  await waitFor(() => expect(screen.getByText("the jobs")).toBeTruthy());
  expect(location.pathname + location.search).toBe("/jobs?state=FAILED");
});

it("says why nobody is signed in", async () => {
  const said = "Not signed in: the window was closed";
  render(<SignInGate session={sessionThat({ signedIn: false, name: null, said })}>the jobs</SignInGate>);
  await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
  expect(await screen.findByText(said)).toBeTruthy();
});

it("asks nobody to sign in where the calls are signed elsewhere", () => {
  render(<SignInGate session={NO_SIGN_IN}>the jobs</SignInGate>);
  expect(screen.getByText("the jobs")).toBeTruthy();
});
