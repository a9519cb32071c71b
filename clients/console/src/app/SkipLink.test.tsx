import { fireEvent, render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { SkipLink } from "./SkipLink";

it("moves the focus to the content, and leaves the address as it is", () => {
  render(
    <>
      <SkipLink to="main" />
      <main id="main" tabIndex={-1} />
    </>,
  );
  // A click that the browser does not follow is one whose default was prevented.
  expect(fireEvent.click(screen.getByRole("link", { name: "Skip to the content" }))).toBe(false);
  expect(document.activeElement).toBe(screen.getByRole("main"));
});
