import { screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, it } from "vitest";
import { aJob } from "../../testing/jobs";
import { refusal, showAt } from "../../testing/show";

const ID = "6WRG02RMBSYB4S71Q0B9AKQ2TE.1";
const AT = "2026-12-01T08:00:00.000Z";
const OUTSIDE = { since: AT, lease_expires_at: AT, until: AT };
const APPROVAL = aJob({
  job_id: ID,
  type: "tidegate.approval",
  state: "RUNNING",
  parameters: { title: "Publish?\u202e", details: "All figures\nof November" },
  outside: OUTSIDE,
});

it.each([
  ["Approve", "approve"],
  ["Reject", "reject"],
])("asks a question and lets somebody %s it, with a comment", async (label, act) => {
  const { asked } = showAt(`/jobs/${ID}`, {
    [`GET /v1/jobs/${ID}`]: APPROVAL,
    [`POST /v1/jobs/${ID}/${act}`]: APPROVAL,
  });
  expect(await screen.findByText("Publish?\\u202e")).toBeTruthy();
  expect(screen.getByText(/All figures/).textContent).toContain("of November");
  await userEvent.click(screen.getByRole("button", { name: label }));
  await userEvent.type(screen.getByLabelText("comment"), "checked");
  await userEvent.click(screen.getByRole("button", { name: `${label} it` }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(asked.find(({ method }) => method === "POST")?.body).toEqual({ comment: "checked" });
});

it("tells that the API lets others decide", async () => {
  showAt(`/jobs/${ID}`, {
    [`GET /v1/jobs/${ID}`]: APPROVAL,
    [`POST /v1/jobs/${ID}/approve`]: () => refusal(403, "not-an-approver", [], "Finance decides"),
  });
  await userEvent.click(await screen.findByRole("button", { name: "Approve" }));
  await userEvent.click(screen.getByRole("button", { name: "Approve it" }));
  expect(await screen.findByText("Finance decides")).toBeTruthy();
});

it("says of another job outside until when it may take, and asks nothing", async () => {
  showAt(`/jobs/${ID}`, {
    [`GET /v1/jobs/${ID}`]: aJob({ job_id: ID, type: "render", state: "RUNNING", outside: OUTSIDE }),
  });
  expect(await screen.findByRole("heading", { name: "Runs outside" })).toBeTruthy();
  expect(screen.getByText("lost without a heartbeat")).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Approve" })).toBeNull();
  expect(screen.queryByText(/[Ff]orecast/)).toBeNull();
});
