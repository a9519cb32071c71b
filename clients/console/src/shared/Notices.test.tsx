import { render, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { problemOf, Unreachable } from "../api/problems";
import { ErrorNotice, ReadNotice } from "./Notices";

it.each([
  ["No answer", new Unreachable("status 502")],
  ["Refused (403)", problemOf(403, {})],
  ["Not done", new Error("weight: must be a whole number")],
])("says %s, and blames the API for nothing that it was not asked", (title, error) => {
  render(<ErrorNotice error={error} />);
  expect(screen.getByRole("alert").textContent).toBe(`${title}${error.message}`);
});

it.each([
  ["nothing was read yet", undefined, new Unreachable("status 502"), false, true],
  ["something is shown and the API does not answer", [], new Unreachable("status 502"), false, false],
  ["something is shown that is read only on demand", [], new Unreachable("status 502"), true, true],
  ["something is shown and the API refuses", [], problemOf(403, {}), false, true],
  ["no read failed", [], null, false, false],
])("where %s, a screen says why or is not moved", (_, data, error, onDemand, says) => {
  render(<ReadNotice query={{ data, error, refetch: vi.fn() }} onDemand={onDemand} />);
  expect(screen.queryByRole("alert") !== null).toBe(says);
});
