import { act, screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { changeSettings } from "../../shared/settings";
import { POOL } from "../../testing/answers";
import { faultsOf } from "../../testing/axe";
import { type Asked, refusal, searchNow, showAt } from "../../testing/show";
import { aStatisticsRow, someStatistics } from "../../testing/statistics";

const TYPES = [
  aStatisticsRow({ type: "load", ended: 9, succeeded: 9 }),
  aStatisticsRow({ type: "<b>pay</b>", ended: 2, succeeded: 0, failed: 2, success_rate: 0 }),
];

function answering({ query }: Asked) {
  const by = query.get("by") ?? "";
  return someStatistics(by, by === "hour" ? [aStatisticsRow({ ended: 11, succeeded: 9, failed: 2 })] : TYPES);
}

const ANSWERS = { "GET /v1/stats": answering, "GET /v1/pools": { pools: [POOL] } };

const asksOf = (asked: readonly Asked[]) =>
  asked.filter(({ path }) => path === "/v1/stats").map(({ query }) => Object.fromEntries(query));

it("plots the ends of a time, tells each plot as a table, and breaks no rule of axe", async () => {
  const { asked } = showAt("/stats?by=type&pool=lambda", ANSWERS);
  const plot = await screen.findByRole("region", { name: "Ended in each hour" });
  expect(within(plot).getByRole("img").getAttribute("aria-label")).toMatch(/^11 jobs ended, .* up to 20$/);
  const cells = [...plot.querySelectorAll("tbody tr")].map((row) => row.textContent);
  expect(cells).toEqual(["11-29 08:0092", "11-29 09:0000"]);
  expect(screen.getByRole("region", { name: "Waited" }).textContent).toContain("99 % within 2 min");
  expect((await screen.findByRole("grid", { name: "ended jobs by type" })).textContent).toContain(
    "<b>pay</b>",
  );
  const asks = asksOf(asked);
  expect(asks.map(({ by, pool }) => [by, pool])).toEqual([
    ["hour", "lambda"],
    ["type", "lambda"],
  ]);
  // Whole hours, so that the table and the plots count the same ends.
  for (const { from } of asks) expect(from).toMatch(/:00:00\.000Z$/);
  expect(asks.map(({ to }) => to)).toEqual([undefined, "2026-11-29T10:00:00.000Z"]);
  expect(await faultsOf(document.body)).toEqual([]);
});

it("shows both hours of one clock time where summer time ends", async () => {
  const faults = vi.spyOn(console, "error").mockImplementation(() => undefined);
  changeSettings({ zone: "Europe/Berlin" });
  try {
    const rows = ["00", "01"].map((hour) => aStatisticsRow({ since: `2026-10-25T${hour}:00:00.000Z` }));
    const said = someStatistics("hour", rows);
    const total = {
      ...said.total,
      since: "2026-10-25T00:00:00.000Z",
      until: "2026-10-25T02:00:00.000Z",
    };
    showAt("/stats?by=step", { ...ANSWERS, "GET /v1/stats": { ...said, total } });
    const plot = await screen.findByRole("region", { name: "Ended in each hour" });
    const cells = [...plot.querySelectorAll("tbody tr")].map((row) => row.textContent);
    expect(cells).toEqual(["10-25 02:001", "10-25 02:001"]);
    expect(faults.mock.calls.map(([text]) => text)).toEqual([]);
  } finally {
    changeSettings({ zone: "UTC" });
    faults.mockRestore();
  }
});

it("asks by days over all pools, and by hours once a pool is chosen", async () => {
  const { asked } = showAt("/stats?since=7d&by=step", ANSWERS);
  await screen.findByRole("region", { name: "Ended in each day" });
  await userEvent.selectOptions(screen.getByLabelText("pool"), POOL.name);
  await waitFor(() =>
    expect(asksOf(asked).map(({ by, pool }) => [by, pool])).toContainEqual(["hour", POOL.name]),
  );
  expect(asksOf(asked).map(({ by }) => by)).toEqual(["day", "hour"]);
  await userEvent.selectOptions(screen.getByLabelText("ended in"), "30d");
  const choices = () =>
    [...screen.getByLabelText("plotted by").querySelectorAll("option")].map(({ value }) => value);
  await waitFor(() => expect(choices()).toEqual(["hour", "day"]));
  await userEvent.selectOptions(screen.getByLabelText("plotted by"), "hour");
  await waitFor(() => expect(searchNow()).toMatchObject({ since: "30d", step: "hour" }));
  await userEvent.selectOptions(screen.getByLabelText("pool"), "");
  await waitFor(() => expect(choices()).toEqual(["day"]));
  expect(asksOf(asked).at(-1)).toMatchObject({ by: "day" });
});

it("keeps what is asked for in the address, and narrows to the row that is opened", async () => {
  const { asked } = showAt("/stats?by=type", ANSWERS);
  const table = await screen.findByRole("grid", { name: "ended jobs by type" });
  const names = () =>
    within(table)
      .getAllByRole("row")
      .slice(1)
      .map((row) => row.textContent?.slice(0, 4));
  expect(names()).toEqual(["load", "<b>p"]);
  await userEvent.selectOptions(screen.getByLabelText("largest first by"), "failed");
  await waitFor(() => expect(names()).toEqual(["<b>p", "load"]));
  await userEvent.selectOptions(screen.getByLabelText("ended in"), "90d");
  await waitFor(() => expect(asksOf(asked).map(({ by }) => by)).toContain("day"));
  expect(searchNow()).toEqual({ by: "type", order: "failed", since: "90d" });
  await userEvent.click(within(table).getByText("load"));
  await waitFor(() => expect(searchNow()).toEqual({ order: "failed", since: "90d", type: "load" }));
});

it("asks for no shares of one type, and says why", async () => {
  const { asked } = showAt("/stats?by=share&type=load", ANSWERS);
  await screen.findByText(/To see each share, leave the type empty/);
  expect(asksOf(asked).map(({ by }) => by)).toEqual(["hour"]);
});

it("saves every figure as CSV", async () => {
  const blobs: Blob[] = [];
  URL.createObjectURL = (blob) => {
    blobs.push(blob as Blob);
    return "blob:x";
  };
  const click = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => undefined);
  showAt("/stats?by=type", ANSWERS);
  await userEvent.click(await screen.findByRole("button", { name: "Save as CSV" }));
  expect(click).toHaveBeenCalledOnce();
  expect((await blobs[0]?.text())?.split("\r\n")[1]).toMatch(/^,load,,,2026-11-29T08:00:00\.000Z,/);
});

it("keeps the rows of a kind while a later read of them fails, and shows no others in their place", async () => {
  let minute = 0;
  let isDown = false;
  const { queries } = showAt("/stats?by=type", {
    ...ANSWERS,
    "GET /v1/stats": (asked: Asked) => {
      const by = asked.query.get("by");
      if (isDown && by !== "hour") return new Response("", { status: 503 });
      const answer = answering(asked);
      return { ...answer, total: { ...answer.total, until: `2026-11-29T10:0${minute}:00.000Z` } };
    },
  });
  queries.setDefaultOptions({ queries: { retry: false } });
  await screen.findByRole("grid", { name: "ended jobs by type" });
  isDown = true;
  minute = 1;
  await act(() => queries.refetchQueries());
  await screen.findByText(/^The API does not answer as it should/);
  await waitFor(() => expect(queries.isFetching()).toBe(0));
  expect(screen.getByRole("grid", { name: "ended jobs by type" }).textContent).toContain("load");
  expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
  await userEvent.selectOptions(screen.getByLabelText("a row for each"), "pool");
  expect(await screen.findByRole("button", { name: "Try again" })).toBeTruthy();
  expect(screen.queryByRole("grid")).toBeNull();
});

it("says up to when jobs are counted where none is, and offers to ask again after a refusal", async () => {
  const { unmount } = showAt("/stats", { "GET /v1/stats": someStatistics("hour", []) });
  expect(await screen.findByText("No job that ended then is counted yet.")).toBeTruthy();
  expect(screen.getByText(/tidegate stats --by type --from 24h/)).toBeTruthy();
  unmount();
  showAt("/stats?since=30d", { "GET /v1/stats": () => refusal(422, "invalid-request") });
  expect(await screen.findByRole("button", { name: "Try again" })).toBeTruthy();
});
