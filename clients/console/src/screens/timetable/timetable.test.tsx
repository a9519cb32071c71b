import { screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, it } from "vitest";
import { refusal, showAt } from "../../testing/show";
import { aRun, aTimetable, TIMETABLE_ANSWERS, TIMETABLE_ID } from "../../testing/timetables";

const ONE = `/v1/timetables/${TIMETABLE_ID}`;
const ADDRESS = `/timetables/${TIMETABLE_ID}`;
const RUNS = `GET ${ONE}/runs`;

it("shows the rules, a calendar on the timetable's own clock, and the runs", async () => {
  showAt(ADDRESS, TIMETABLE_ANSWERS);
  const calendar = await screen.findByRole("table", { name: "December 2026 in Europe/Berlin" });
  const [cell] = within(calendar).getAllByTitle("06:00");
  expect(cell?.textContent).toBe("206:00");
  expect(screen.getByText("are skipped")).toBeTruthy();
  const link = await screen.findByRole("link", { name: "job 01KBC7RV8M5B6W2Y3Q7RVXN4C1" });
  expect(link.getAttribute("href")).toBe("/jobs/01KBC7RV8M5B6W2Y3Q7RVXN4C1");
  expect(screen.getByRole("link", { name: "who did what to it" }).getAttribute("href")).toContain(
    TIMETABLE_ID,
  );
});

it("says why a run was refused, and leads to earlier runs", async () => {
  const refused = aRun({
    outcome: "refused",
    job_id: null,
    state: null,
    code: "share-full",
    message: "too many wait",
  });
  const { asked } = showAt(ADDRESS, { ...TIMETABLE_ANSWERS, [RUNS]: { runs: [refused], cursor: "c" } });
  expect(await screen.findByText("share-full: too many wait")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Earlier runs" }));
  await waitFor(() => expect(asked.some(({ query }) => query.get("cursor") === "c")).toBe(true));
  await userEvent.click(await screen.findByRole("button", { name: "The latest runs" }));
});

it("says that nothing comes of a paused one, and resumes it", async () => {
  const { asked } = showAt(ADDRESS, {
    ...TIMETABLE_ANSWERS,
    [`GET ${ONE}`]: aTimetable({ state: "PAUSED" }),
    [`POST ${ONE}/resume`]: aTimetable(),
  });
  expect(await screen.findByText("It is paused: none of these runs begins.")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Resume" }));
  await waitFor(() => expect(asked.some(({ call }) => call === `POST ${ONE}/resume`)).toBe(true));
});

it("sends the key of a run again until the run is answered", async () => {
  const answers = [refusal(409, "busy"), aRun({ cause: "manual" }), aRun({ cause: "manual" })];
  const { asked } = showAt(ADDRESS, { ...TIMETABLE_ANSWERS, [`POST ${ONE}/run`]: () => answers.shift() });
  const keys = () =>
    asked.filter(({ method }) => method === "POST").map(({ headers }) => headers.get("Idempotency-Key"));
  for (const presses of [1, 2, 3]) {
    await userEvent.click(await screen.findByRole("button", { name: "Run now" }));
    await waitFor(() => expect(keys()).toHaveLength(presses));
  }
  const [refused, again, another] = keys();
  expect(again).toBe(refused);
  expect(another).not.toBe(again);
});

it("sends only what somebody changed", async () => {
  const { asked } = showAt(ADDRESS, { ...TIMETABLE_ANSWERS, [`PATCH ${ONE}`]: aTimetable() });
  await userEvent.click(await screen.findByRole("button", { name: "Change" }));
  await userEvent.selectOptions(screen.getByLabelText("while the run before goes on"), "skip");
  await userEvent.clear(screen.getByLabelText("name"));
  await userEvent.click(screen.getByRole("button", { name: "Change the timetable" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(asked.find(({ method }) => method === "PATCH")?.body).toEqual({ name: null, overlap: "skip" });
});

it("says which number is none, and sends nothing", async () => {
  const { asked } = showAt(ADDRESS, TIMETABLE_ANSWERS);
  await userEvent.click(await screen.findByRole("button", { name: "Change" }));
  await userEvent.clear(screen.getByLabelText("grace (seconds)"));
  await userEvent.click(screen.getByRole("button", { name: "Change the timetable" }));
  expect(await screen.findByText("grace: give a whole number")).toBeTruthy();
  expect(asked.some(({ method }) => method === "PATCH")).toBe(false);
});

it("counts a backfill before it begins, and goes on until the range is done", async () => {
  const rests = ["2026-11-20T05:00:00.000Z", null];
  const { asked } = showAt(ADDRESS, {
    ...TIMETABLE_ANSWERS,
    [`GET ${ONE}/backfill`]: {
      timetable_id: TIMETABLE_ID,
      count: 150,
      more: false,
      submitted: 1,
      first: null,
      last: null,
    },
    [`POST ${ONE}/backfill`]: () => ({
      timetable_id: TIMETABLE_ID,
      runs: [],
      already: 0,
      next_from: rests.shift(),
    }),
  });
  await userEvent.click(await screen.findByRole("button", { name: "Backfill" }));
  await userEvent.type(screen.getByLabelText("from"), "2026-11-01T00:00");
  await userEvent.type(screen.getByLabelText("to, not itself"), "2026-11-30T00:00");
  expect(
    await screen.findByText(/150 scheduled times, of which 1 was submitted before and is not again/),
  ).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Submit them" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  const sent = asked.filter(({ call }) => call === `POST ${ONE}/backfill`).map(({ body }) => body);
  expect(sent).toMatchObject([
    { from: expect.stringMatching(/^2026-1[01]/) },
    { from: "2026-11-20T05:00:00.000Z" },
  ]);
});

it("removes it, and goes back to the others", async () => {
  showAt(ADDRESS, { ...TIMETABLE_ANSWERS, [`DELETE ${ONE}`]: aTimetable() });
  await userEvent.click(await screen.findByRole("button", { name: "Remove" }));
  await userEvent.click(screen.getByRole("button", { name: "Remove the timetable" }));
  await waitFor(() => expect(window.location.pathname).toBe("/timetables"));
});
