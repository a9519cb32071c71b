import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { ReadAgo } from "./ReadAgo";

test("an answer that has not come yet has no age", () => {
  const { rerender, container } = render(<ReadAgo atMs={0} />);
  expect(container.textContent).toBe("");
  rerender(<ReadAgo atMs={Date.now()} />);
  expect(screen.getByText(/^read 0 s ago/)).toBeTruthy();
});
