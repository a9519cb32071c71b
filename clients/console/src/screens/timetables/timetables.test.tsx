import { screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, it } from "vitest";
import { ME, refusal, showAt } from "../../testing/show";
import { aRun, aTimetable, TIMETABLE_ANSWERS, TIMETABLE_ID } from "../../testing/timetables";

const LIST = "GET /v1/timetables";

it("lists timetables with what they submit, their next and their last run", async () => {
  showAt("/timetables", TIMETABLE_ANSWERS);
  const row = (await screen.findByText("nightly")).closest("[role=row]") as HTMLElement;
  expect(row.textContent).toContain("0 6 * * * in Europe/Berlin");
  expect(row.textContent).toContain("job: tidegate.sleep");
  expect(within(row).getByText("SUCCEEDED")).toBeTruthy();
  await userEvent.click(row);
  await screen.findByRole("heading", { name: "Timetable nightly" });
  expect(window.location.pathname).toBe(`/timetables/${TIMETABLE_ID}`);
});

it.each([
  [null, "none yet"],
  [aRun({ state: null }), "submitted, gone by now"],
  [aRun({ outcome: "refused", job_id: null, state: null, code: "share-full" }), "refused"],
  [aRun({ outcome: "missed", job_id: null, state: null, count: 3 }), "3 missed"],
  [aRun({ outcome: "skipped", job_id: null, state: null }), "skipped, the run before was going on"],
])("says how the last run went: %#", async (last_run, said) => {
  showAt("/timetables", {
    [LIST]: { timetables: [aTimetable({ last_run, state: "PAUSED" })], cursor: null },
  });
  expect((await screen.findByText("nightly")).closest("[role=row]")?.textContent).toContain(said);
  expect(screen.getByText("paused")).toBeTruthy();
});

it("leads on to the next page, and says how to begin where there is none", async () => {
  const { unmount } = showAt("/timetables", { [LIST]: { timetables: [aTimetable()], cursor: "c" } });
  const link = await screen.findByRole("link", { name: "the next 100 timetables" });
  expect(link.getAttribute("href")).toBe("/timetables?cursor=c");
  unmount();
  showAt("/timetables", { [LIST]: { timetables: [], cursor: null } });
  expect(await screen.findByText("tidegate timetables create timetable.yaml")).toBeTruthy();
});

it("makes a timetable of a workflow in YAML", async () => {
  const { asked } = showAt("/timetables/new", {
    ...TIMETABLE_ANSWERS,
    "POST /v1/timetables": aTimetable(),
  });
  await userEvent.type(await screen.findByLabelText("name"), "weekly");
  await userEvent.clear(screen.getByLabelText("time zone"));
  await userEvent.type(screen.getByLabelText("time zone"), "Asia/Tokyo");
  await userEvent.selectOptions(screen.getByLabelText("missed times"), "once");
  await userEvent.click(screen.getByLabelText("job or workflow (JSON or YAML)"));
  await userEvent.paste("name: w\njobs:\n  - {key: a, type: tidegate.noop}\n");
  await userEvent.click(screen.getByRole("button", { name: "Make the timetable" }));
  await screen.findByRole("heading", { name: "Timetable nightly" });
  const sent = asked.find(({ method }) => method === "POST");
  expect(sent?.body).toEqual({
    name: "weekly",
    cron: "0 6 * * *",
    zone: "Asia/Tokyo",
    start: null,
    end: null,
    jitter_seconds: 0,
    missed: "once",
    grace_seconds: 300,
    overlap: "allow",
    workflow: { name: "w", jobs: [{ key: "a", type: "tidegate.noop" }] },
  });
  expect(sent?.headers.get("Idempotency-Key")).toMatch(/^[0-9a-f-]{36}$/);
});

it.each([
  ["a text that is no YAML", "a: [", /what each run submits:/],
  ["a field that the API refuses", "type: x", /job.type: is not known/],
])("says what is wrong with %s", async (_, text, said) => {
  showAt("/timetables/new", {
    "POST /v1/timetables": () => refusal(422, "invalid", [{ field: "job.type", message: "is not known" }]),
  });
  await userEvent.click(await screen.findByLabelText("job or workflow (JSON or YAML)"));
  await userEvent.paste(text);
  await userEvent.click(screen.getByRole("button", { name: "Make the timetable" }));
  expect(await screen.findByText(said)).toBeTruthy();
});

it("lets a viewer look, and says why nothing can be made", async () => {
  showAt("/timetables/new", { "GET /v1/me": { ...ME, role: "viewer" } });
  const button = await screen.findByRole("button", { name: "Make the timetable" });
  await waitFor(() => expect(button.getAttribute("aria-disabled")).toBe("true"));
});
