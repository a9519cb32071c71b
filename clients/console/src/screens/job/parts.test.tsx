import { act, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { aJob, type Job } from "../../testing/jobs";
import { type Asked, showAt } from "../../testing/show";

const ID = "6WRG02RMBSYB4S71Q0B9AKQ2TE.1";
const OTHER = "6WRG02RMBSYB4S71Q0B9AKQ2TE.0";
const JOB = aJob({ job_id: ID, key: "load", state: "FAILED" });

/** Renders the page of a job; `more` answers what is not the job itself. */
function renderJob(job: () => Job, more: (call: Asked) => unknown = () => undefined, search = "") {
  return showAt(`/jobs/${ID}${search}`, (call) => (call.path === `/v1/jobs/${ID}` ? job() : more(call)));
}

it("shows the neighbours with their states, and the way on", async () => {
  const other = { job_id: OTHER, key: "extract", name: null, state: "SUCCEEDED", type: "MUST_SUCCEED" };
  const { asked: calls } = renderJob(
    () => JOB,
    ({ path, query }) => {
      if (path.endsWith("/dependencies")) {
        const satisfied = { condition: null, satisfied: true, satisfied_at: "2026-12-01T08:00:00.000Z" };
        return { job_id: ID, dependencies: [{ ...other, ...satisfied }], cursor: null };
      }
      if (!path.endsWith("/dependents")) return undefined;
      const more = query.get("cursor") !== null;
      return {
        job_id: ID,
        dependents: [{ ...other, job_id: `${ID}${more ? 1 : 2}`, key: more ? "second" : "first" }],
        cursor: more ? null : "next",
      };
    },
    "?tab=neighbours",
  );
  const up = await screen.findByRole("region", { name: "Depends on" });
  expect((await within(up).findByRole("link", { name: "extract" })).getAttribute("href")).toBe(
    `/jobs/${OTHER}`,
  );
  const down = screen.getByRole("region", { name: "Depended on by" });
  await userEvent.click(await within(down).findByRole("button", { name: /Show more/ }));
  await within(down).findByRole("link", { name: "second" });
  expect(calls.filter((call) => call.path.endsWith("/dependents"))).toHaveLength(2);
});

it.each([
  [null, "500; 132.0 now, with its wait"],
  ["2026-12-01T09:00:00.000Z", "500; 132.0 now, with its wait and any head start"],
])("says what the priority of now counts where the latest start is %s", async (latest_start, says) => {
  renderJob(() => aJob({ job_id: ID, priority: 500, effective_priority: 132, latest_start }));
  expect(await screen.findByText(says)).toBeDefined();
});

it("keeps the neighbours where they are while a poll of them fails, and says why no more of them come", async () => {
  let isDown = false;
  const { queries } = renderJob(
    () => JOB,
    ({ path }) => {
      if (path.endsWith("/dependencies")) return { job_id: ID, dependencies: [], cursor: null };
      if (!path.endsWith("/dependents")) return undefined;
      if (isDown) return new Response("", { status: 503 });
      const other = { job_id: OTHER, key: "extract", name: null, state: "SUCCEEDED", type: "t" };
      return { job_id: ID, dependents: [other], cursor: "next" };
    },
    "?tab=neighbours",
  );
  queries.setDefaultOptions({ queries: { retry: false } });
  const side = () => screen.getByRole("region", { name: "Depended on by" });
  await screen.findByRole("link", { name: "extract" });
  isDown = true;
  await act(() => queries.refetchQueries({ queryKey: ["dependents"] }));
  await screen.findByText(/^The API does not answer as it should/);
  expect(within(side()).queryByRole("alert")).toBeNull();
  await userEvent.click(within(side()).getByRole("button", { name: /Show more/ }));
  await within(side()).findByRole("alert");
  expect(within(side()).getByRole("link", { name: "extract" })).toBeDefined();
});
