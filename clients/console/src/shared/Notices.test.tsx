import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { problemOf, Unreachable } from "../api/problems";
import { ErrorNotice } from "./Notices";

it.each([
  ["No answer", new Unreachable("status 502")],
  ["Refused (403)", problemOf(403, {})],
  ["Not done", new Error("weight: must be a whole number")],
])("says %s, and blames the API for nothing that it was not asked", (title, error) => {
  render(<ErrorNotice error={error} />);
  expect(screen.getByRole("alert").textContent).toBe(`${title}${error.message}`);
});
