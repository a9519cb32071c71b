import { act, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { POOL } from "../testing/answers";
import { aJob } from "../testing/jobs";
import { refusal, showAt } from "../testing/show";

const ID = "6WRG02RMBSYB4S71Q0B9AKQ2TE";
const JOBS = [0, 1, 2].map((place) => aJob({ job_id: `${ID}.${place}`, key: `job-${place}` }));
const ANSWERS = {
  "GET /v1/jobs": { jobs: JOBS, looked_at: 3, cursor: null },
  "GET /v1/pools": { pools: [POOL] },
};

/** Shows the jobs with the focus in their second row. */
async function inSecondRow() {
  showAt("/jobs", ANSWERS);
  await screen.findByText("job-1");
  const row = screen.getAllByRole("row")[2] as HTMLElement;
  act(() => row.focus());
  return row;
}

it("looks up an id from a row, and leaves the focus in that row", async () => {
  const row = await inSecondRow();
  await userEvent.keyboard("{Control>}k{/Control}");
  await screen.findByRole("dialog", { name: "Look up an id" });
  await userEvent.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(document.activeElement).toBe(row);
});

it("leaves the keys of the browser to the browser", async () => {
  const row = await inSecondRow();
  await userEvent.keyboard("{Control>}xj{/Control}{Alt>}{ArrowDown}{/Alt}");
  expect(document.activeElement).toBe(row);
  expect(row.getAttribute("aria-selected")).toBe("false");
});

it("goes to a screen from a row, and the way back leads to that row", async () => {
  await inSecondRow();
  await userEvent.keyboard("gp");
  await screen.findByRole("heading", { name: "Pools" });
  await userEvent.keyboard("gj");
  await waitFor(() => expect(document.activeElement?.textContent).toContain("job-1"));
});

it("leaves the screen alone while a dialog is open", async () => {
  await inSecondRow();
  await userEvent.keyboard("?");
  await screen.findByRole("dialog", { name: "Keys" });
  await userEvent.keyboard("gp");
  expect(window.location.pathname).toBe("/jobs");
});

it("forgets what it said of another id", async () => {
  showAt("/pools", { ...ANSWERS, [`GET /v1/jobs/${ID}`]: refusal(404, "not-found") });
  await screen.findByText("lambda");
  await userEvent.keyboard("{Control>}k{/Control}");
  await userEvent.type(await screen.findByLabelText("id of a job or a workflow"), `${ID}{Enter}`);
  await screen.findByText("Nothing has this id.");
  await userEvent.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  await userEvent.keyboard("{Control>}k{/Control}");
  await screen.findByLabelText("id of a job or a workflow");
  expect(screen.queryByText("Nothing has this id.")).toBeNull();
});
