import { screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, it } from "vitest";
import { ME, refusal, showAt } from "../../testing/show";
import { aDelivery, aWebhook, WEBHOOK_ANSWERS, WEBHOOK_ID } from "../../testing/webhooks";

const ONE = `/v1/webhooks/${WEBHOOK_ID}`;
const OPEN = `/webhooks?webhook=${WEBHOOK_ID}`;
const SECRET = "whsec_c2VjcmV0";

it("lists webhooks with what each wants, and opens one", async () => {
  showAt("/webhooks", WEBHOOK_ANSWERS);
  await userEvent.click(await screen.findByText("https://example.com/hook"));
  expect(await screen.findByRole("heading", { name: "Webhook chat" })).toBeTruthy();
  expect(screen.getAllByText("job.ended, type load, state FAILED, tag team:data")).toHaveLength(2);
  expect(await screen.findByText("204, 0.2 s")).toBeTruthy();
});

it("says why tidegate itself disabled one, and enables it", async () => {
  const disabled = aWebhook({ enabled: false, disabled_reason: "no answer for a day", changed_by: "" });
  const { asked } = showAt(OPEN, {
    ...WEBHOOK_ANSWERS,
    "GET /v1/webhooks": { webhooks: [disabled] },
    [`POST ${ONE}/enable`]: aWebhook(),
  });
  expect(await screen.findByText("no answer for a day")).toBeTruthy();
  expect(screen.getByText(/tidegate itself/)).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Enable" }));
  await waitFor(() => expect(asked.some(({ call }) => call === `POST ${ONE}/enable`)).toBe(true));
});

it("makes one, shows its secret once, and sends the key again where it was refused", async () => {
  const answers = [
    refusal(422, "invalid", [{ field: "url", message: "must begin with https" }]),
    { webhook: aWebhook(), secret: SECRET },
  ];
  const { asked } = showAt("/webhooks", { ...WEBHOOK_ANSWERS, "POST /v1/webhooks": () => answers.shift() });
  await userEvent.click(await screen.findByRole("button", { name: "Make a webhook" }));
  await userEvent.type(screen.getByLabelText("address"), "https://example.com/hook");
  await userEvent.type(screen.getByLabelText("events"), "job.ended, worker.lost");
  await userEvent.type(screen.getByLabelText("tags"), "team:data");
  await userEvent.click(screen.getByRole("button", { name: "Make the webhook" }));
  expect(await screen.findByText("url: must begin with https")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Make the webhook" }));
  expect(await screen.findByText(SECRET)).toBeTruthy();
  const sent = asked.filter(({ method }) => method === "POST");
  expect(sent[0]?.body).toEqual({
    url: "https://example.com/hook",
    description: null,
    events: ["job.ended", "worker.lost"],
    types: [],
    pools: [],
    states: [],
    tags: { team: "data" },
  });
  expect(new Set(sent.map(({ headers }) => headers.get("Idempotency-Key"))).size).toBe(1);
});

it("makes another webhook of other fields, where the answer about the first was lost", async () => {
  const answers = [refusal(500, "internal", []), { webhook: aWebhook(), secret: SECRET }];
  const { asked } = showAt("/webhooks", { ...WEBHOOK_ANSWERS, "POST /v1/webhooks": () => answers.shift() });
  await userEvent.click(await screen.findByRole("button", { name: "Make a webhook" }));
  await userEvent.type(screen.getByLabelText("address"), "https://example.com/hook");
  await userEvent.click(screen.getByRole("button", { name: "Make the webhook" }));
  await screen.findByRole("alert");
  await userEvent.type(screen.getByLabelText("address"), "s");
  await userEvent.click(screen.getByRole("button", { name: "Make the webhook" }));
  expect(await screen.findByText(SECRET)).toBeTruthy();
  const sent = asked.filter(({ method }) => method === "POST");
  expect(new Set(sent.map(({ headers }) => headers.get("Idempotency-Key"))).size).toBe(2);
});

it.each([
  [{ status: 204, fault: null }, true, null, "The receiver took it, status 204"],
  [
    { status: null, fault: "refused-address" },
    false,
    "the address is private",
    /did not take it: the address/,
  ],
])("says how a test went: %#", async (more, succeeded, message, said) => {
  showAt(OPEN, {
    ...WEBHOOK_ANSWERS,
    [`POST ${ONE}/test`]: { delivery: aDelivery(more), succeeded, answer: null, message },
  });
  await userEvent.click(await screen.findByRole("button", { name: "Send a test" }));
  expect(await screen.findByText(said)).toBeTruthy();
});

it("changes and rotates", async () => {
  const { asked } = showAt(OPEN, {
    ...WEBHOOK_ANSWERS,
    [`PATCH ${ONE}`]: aWebhook(),
    [`POST ${ONE}/rotate`]: { webhook: aWebhook(), secret: SECRET },
  });
  await userEvent.click(await screen.findByRole("button", { name: "Change" }));
  expect((screen.getByLabelText("tags") as HTMLInputElement).value).toBe("team:data");
  await userEvent.clear(screen.getByLabelText("job types"));
  await userEvent.click(screen.getByRole("button", { name: "Change the webhook" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(asked.find(({ method }) => method === "PATCH")?.body).toMatchObject({
    types: [],
    states: ["FAILED"],
  });
  await userEvent.click(screen.getByRole("button", { name: "Rotate the secret" }));
  await userEvent.click(screen.getAllByRole("button", { name: "Rotate the secret" }).at(-1) as HTMLElement);
  expect(await screen.findByText(SECRET)).toBeTruthy();
});

it("removes one, and leads through earlier deliveries", async () => {
  const { asked } = showAt(OPEN, {
    ...WEBHOOK_ANSWERS,
    [`GET ${ONE}/deliveries`]: { deliveries: [], cursor: "c" },
    [`DELETE ${ONE}`]: aWebhook(),
  });
  await userEvent.click(await screen.findByRole("button", { name: "Earlier ones" }));
  await waitFor(() => expect(asked.some(({ query }) => query.get("cursor") === "c")).toBe(true));
  await userEvent.click(await screen.findByRole("button", { name: "The latest" }));
  await userEvent.click(screen.getByRole("button", { name: "Remove" }));
  await userEvent.click(screen.getByRole("button", { name: "Remove the webhook" }));
  await waitFor(() => expect(asked.some(({ method }) => method === "DELETE")).toBe(true));
});

it("lets a client look, and says how to begin where there is none", async () => {
  showAt("/webhooks", { "GET /v1/webhooks": { webhooks: [] }, "GET /v1/me": { ...ME, role: "client" } });
  expect(await screen.findByText(/^tidegate webhooks create/)).toBeTruthy();
  const button = screen.getByRole("button", { name: "Make a webhook" });
  await waitFor(() => expect(button.getAttribute("aria-disabled")).toBe("true"));
});
