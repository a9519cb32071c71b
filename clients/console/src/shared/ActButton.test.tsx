import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, it } from "vitest";
import { ActButton } from "./ActButton";

function Once() {
  const [isDone, setDone] = useState(false);
  return (
    <ActButton
      label="Retry"
      impossible={isDone ? "it runs again" : null}
      ask={{ title: "Retry the job", content: () => "It opens 1 job.", confirm: "Do it" }}
      run={async () => setDone(true)}
    />
  );
}

it("gives the focus back to the button, also where the act is not possible any more", async () => {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <Once />
    </QueryClientProvider>,
  );
  await userEvent.click(screen.getByRole("button", { name: "Retry" }));
  await userEvent.click(await screen.findByRole("button", { name: "Do it" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  const button = screen.getByRole("button", { name: "Retry" });
  expect(button.getAttribute("aria-disabled")).toBe("true");
  expect(document.activeElement).toBe(button);
});

/** An act whose first call is refused, and whose others wait until `answer` is called. */
function acting() {
  const answers: ((error?: Error) => void)[] = [];
  const run = () =>
    new Promise<void>((done, refuse) =>
      answers.push((error) => (error === undefined ? done() : refuse(error))),
    );
  render(
    <QueryClientProvider client={new QueryClient()}>
      <ActButton
        label="Pause"
        impossible={null}
        ask={{ title: "Pause?", content: () => "No job starts.", confirm: "Do it" }}
        run={run}
      />
    </QueryClientProvider>,
  );
  return (error?: Error) => act(async () => answers.shift()?.(error));
}

it("forgets the refusal of an earlier try when its dialog opens again", async () => {
  const answer = acting();
  await userEvent.click(screen.getByRole("button", { name: "Pause" }));
  await userEvent.click(await screen.findByRole("button", { name: "Do it" }));
  await answer(new Error("the pool is gone"));
  await screen.findByText("the pool is gone");
  await userEvent.click(screen.getByRole("button", { name: "Leave it" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await userEvent.click(screen.getByRole("button", { name: "Pause" }));
  await screen.findByText("No job starts.");
  expect(screen.queryByText("the pool is gone")).toBeNull();
});

it("stays open until the answer is there, so that a refusal is always told", async () => {
  const answer = acting();
  await userEvent.click(screen.getByRole("button", { name: "Pause" }));
  await userEvent.click(await screen.findByRole("button", { name: "Do it" }));
  await screen.findByText("sent, waiting for the answer");
  await userEvent.keyboard("{Escape}");
  await userEvent.click(screen.getByRole("button", { name: "Leave it" }));
  expect(screen.getByRole("button", { name: "Do it" }).getAttribute("aria-disabled")).toBe("true");
  await answer(new Error("the pool is gone"));
  expect(await screen.findByText("the pool is gone")).toBeDefined();
  await userEvent.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
});
