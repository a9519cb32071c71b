import { act, screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, it } from "vitest";
import { SCHEMA, TYPE } from "../../testing/answers";
import { type Asked, ME, refusal, showAt } from "../../testing/show";

const ID = "01KBC7RV8M5B6W2Y3Q7RVXN4C1";
const FORESEEN = { dry_run: true, job_count: 1, states: { READY: 1 }, pools: { lambda: 1 } };
const ANSWERS = {
  "GET /v1/pools": { pools: [] },
  "GET /v1/types": { types: [TYPE] },
  "GET /v1/types/load": { ...TYPE, parameters_schema: SCHEMA },
  "POST /v1/jobs": ({ call }: Asked) => (call.includes("dry_run") ? FORESEEN : { job_id: ID }),
};
const posts = (asked: readonly Asked[]) => asked.filter(({ method }) => method === "POST");

it("makes a form of the schema, checks it, submits it under its key, and goes to the job", async () => {
  const { asked } = showAt("/submit?type=load", ANSWERS);
  await userEvent.type(await screen.findByLabelText(/^Seconds/), "2.5");
  await userEvent.selectOptions(screen.getByLabelText("Mode"), "safe");
  await userEvent.click(screen.getByRole("button", { name: "Add to Sizes" }));
  await userEvent.type(screen.getByLabelText(/^Sizes 1/), "7");
  await userEvent.click(screen.getByLabelText("give address"));
  await userEvent.type(screen.getByLabelText(/^city/), "Ulm");
  await userEvent.type(screen.getByLabelText("tags"), "team=data");
  await userEvent.click(screen.getByRole("button", { name: "Check" }));
  expect(await screen.findByText("Checked: this would submit 1 job")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Submit the job" }));
  await waitFor(() => expect(window.location.pathname).toBe(`/jobs/${ID}`));
  const [checked, submitted] = posts(asked);
  expect(submitted?.body).toEqual(checked?.body);
  expect(submitted?.body).toMatchObject({
    type: "load",
    parameters: { seconds: 2.5, mode: "safe", sizes: [7], address: { city: "Ulm" } },
    tags: { team: "data" },
    priority: null,
  });
  expect(submitted?.headers.get("Idempotency-Key")).toMatch(/^[0-9a-f-]{36}$/);
});

it("says at the field what is wrong, before and after it asks the API", async () => {
  const { asked } = showAt("/submit?type=load", {
    ...ANSWERS,
    "POST /v1/jobs": () =>
      refusal(422, "invalid-request", [
        { field: "parameters.seconds", message: "is a bad omen" },
        { field: "tags.a", message: "must be a string" },
        { field: "share", message: "no such share" },
      ]),
  });
  const seconds = await screen.findByLabelText(/^Seconds/);
  await userEvent.type(seconds, "-1");
  await userEvent.click(screen.getByRole("button", { name: "Check" }));
  expect(await screen.findByText("must be at least 0")).toBeTruthy();
  expect(posts(asked)).toHaveLength(0);
  await waitFor(() => expect(document.activeElement).toBe(seconds));
  await userEvent.clear(seconds);
  await userEvent.type(seconds, "13");
  await userEvent.click(screen.getByRole("button", { name: "Check" }));
  expect(await screen.findByText("is a bad omen")).toBeTruthy();
  expect(screen.getByText("a: must be a string")).toBeTruthy();
  expect(screen.getByText("share: no such share")).toBeTruthy();
});

it("begins with a job, as JSON where the form has no place for its parameters", async () => {
  const job = {
    job_id: ID,
    key: "k",
    name: null,
    description: "d",
    type: "load",
    priority: 700,
    pool: "ecs",
    requires: ["gpu"],
    share: "data",
    concurrency_key: null,
    concurrency_limit: null,
    estimated_duration_seconds: 4,
    retry: { backoff_seconds: 1, max_backoff_seconds: 2, never_on: [], always_on: [] },
    namespace: null,
    timeout_seconds: 60,
    max_retries: 1,
    tags: {},
    parameters: { seconds: 1, older: true },
  };
  const { asked } = showAt(`/submit?from=${ID}`, { ...ANSWERS, [`GET /v1/jobs/${ID}`]: job });
  const json = await screen.findByLabelText("parameters (JSON)");
  expect(JSON.parse((json as HTMLTextAreaElement).value)).toEqual({ seconds: 1, older: true });
  await userEvent.click(screen.getByRole("button", { name: "Type them in a form" }));
  expect(screen.getByText(/no place for a part/)).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Submit the job" }));
  await waitFor(() => expect(posts(asked)).toHaveLength(1));
  expect(posts(asked)[0]?.body).toMatchObject({
    priority: 700,
    pool: "ecs",
    requires: ["gpu"],
    share: "data",
    concurrency_limit: 1,
    timeout_seconds: 60,
    parameters: { seconds: 1, older: true },
    depends_on: [],
  });
});

it("takes a workflow, and names the job that is wrong in it", async () => {
  const { asked } = showAt("/submit?as=workflow", {
    ...ANSWERS,
    "POST /v1/workflows": ({ call, body }: Asked) =>
      JSON.stringify(body).includes("bad")
        ? refusal(422, "invalid-request", [{ field: "jobs[0].type", message: "unknown job type" }])
        : call.includes("dry_run")
          ? { dry_run: true, job_count: 2, states: { READY: 1, PENDING: 1 }, pools: { lambda: 2 } }
          : { workflow_id: ID, job_ids: {} },
  });
  const field = await screen.findByLabelText("workflow (JSON or YAML)");
  const check = () => userEvent.click(screen.getByRole("button", { name: "Check" }));
  await check();
  expect(await screen.findByText(/paste a workflow first/)).toBeTruthy();
  await userEvent.click(field);
  await userEvent.paste('{"jobs": [{"key": "a", "type": "bad"}]}');
  await check();
  expect(await screen.findByText("job a, type: unknown job type")).toBeTruthy();
  await userEvent.clear(field);
  await userEvent.click(field);
  await userEvent.paste('{"jobs": [{"key": "a", "type": "load"}, {"key": "b", "type": "load"}]}');
  await check();
  expect(await screen.findByText("Checked: this would submit 2 jobs")).toBeTruthy();
  expect(screen.getByText("2 in pool lambda")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Submit the workflow" }));
  await waitFor(() => expect(window.location.pathname).toBe(`/workflows/${ID}`));
  expect(posts(asked).at(-1)?.path).toBe("/v1/workflows");
});

it("reads YAML, leads to the line of an error, and shows the graph", async () => {
  const { asked } = showAt("/submit?as=workflow", {
    ...ANSWERS,
    "POST /v1/workflows": { workflow_id: ID, job_ids: {} },
  });
  const field = (await screen.findByLabelText("workflow (JSON or YAML)")) as HTMLTextAreaElement;
  const lines = [
    "jobs:",
    "  - {key: a, type: load}",
    "  - key: b",
    "    type: load",
    "    depends_on: [{key: gone}]",
  ];
  await userEvent.click(field);
  await userEvent.paste(lines.join("\n"));
  // Found while somebody types, without a call and without a button.
  await userEvent.click(await screen.findByRole("button", { name: "line 5, column 24" }));
  expect(
    screen.getByText(/job b, depends_on\[0\]\.key: no job of this workflow has the key gone/),
  ).toBeTruthy();
  expect(field.value.slice(field.selectionStart, field.selectionEnd)).toBe(lines[4]);
  expect(document.activeElement).toBe(field);
  await userEvent.click(screen.getByRole("button", { name: "Submit the workflow" }));
  expect(posts(asked)).toHaveLength(0);
  await userEvent.clear(field);
  await userEvent.click(field);
  await userEvent.paste(lines.join("\n").replace("gone", "a"));
  const preview = await screen.findByRole("region", { name: "preview" });
  expect(await within(preview).findByText("2 jobs in 2 levels")).toBeTruthy();
  await userEvent.click(within(preview).getByRole("button", { name: /^b load/ }));
  expect(field.value.slice(field.selectionStart, field.selectionEnd)).toBe(lines[2]);
  await userEvent.click(screen.getByRole("button", { name: "Submit the workflow" }));
  await waitFor(() => expect(window.location.pathname).toBe(`/workflows/${ID}`));
  expect(posts(asked).at(-1)?.body).toEqual({
    jobs: [
      { key: "a", type: "load" },
      { key: "b", type: "load", depends_on: [{ key: "a" }] },
    ],
  });
});

it("says why a viewer can't submit", async () => {
  showAt("/submit?type=load", { ...ANSWERS, "GET /v1/me": { ...ME, role: "viewer" } });
  expect(await screen.findByText("your role is viewer; this needs the role client")).toBeTruthy();
  expect(screen.getByRole("button", { name: "Submit the job" }).hasAttribute("disabled")).toBe(true);
});

it("shows that it reads the job to begin from while a later read of the type fails", async () => {
  let type: unknown = ANSWERS["GET /v1/types/load"];
  const { queries } = showAt(`/submit?type=load&from=${ID}`, {
    ...ANSWERS,
    "GET /v1/types/load": () => type,
    [`GET /v1/jobs/${ID}`]: () => new Promise(() => undefined),
  });
  await waitFor(() => expect(queries.getQueryData(["types", "load"])).toBeDefined());
  type = new Response("", { status: 503 });
  queries.setDefaultOptions({ queries: { retry: false } });
  await act(() => queries.refetchQueries({ queryKey: ["types", "load"] }));
  await waitFor(() => expect(queries.getQueryState(["types", "load"])?.status).toBe("error"));
  expect(screen.getByRole("status", { name: "loading" })).toBeTruthy();
});

it("lets somebody choose a type where the job to begin from can't be read", async () => {
  showAt(`/submit?from=${ID}`, ANSWERS);
  expect(await screen.findByRole("button", { name: "Try again" })).toBeTruthy();
  expect(screen.queryByRole("status", { name: "loading" })).toBeNull();
});
