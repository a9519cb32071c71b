import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
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
