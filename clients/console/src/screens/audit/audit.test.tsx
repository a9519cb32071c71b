import { act, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { expect, it } from "vitest";
import { ACT } from "../../testing/answers";
import { type Asked, showAt } from "../../testing/show";

const PAGE = { acts: [ACT], cursor: "next", looked_back_to: "2026-11-01T00:00:00.000Z" };

it("shows what an act changed, how far it looked, and the way on", async () => {
  showAt("/audit?caller=ann", { "GET /v1/audit": PAGE });
  expect(await screen.findByText("paused: false → true")).toBeTruthy();
  expect(screen.getByRole("link", { name: "pool lambda" }).getAttribute("href")).toBe("/pools?pool=lambda");
  expect(screen.getByText(/2026-11-01 00:00:00 UTC/)).toBeTruthy();
  expect(screen.getByRole("link", { name: "look further back" }).getAttribute("href")).toBe(
    "/audit?caller=ann&cursor=next",
  );
});

it("asks by all filters of the address, and tells an empty page from the end", async () => {
  const { asked } = showAt("/audit?subject=pool%23ecs&from=2026-11-01T00:00:00.000Z&cursor=c", {
    "GET /v1/audit": { ...PAGE, acts: [] },
  });
  expect(await screen.findByText("No act in the time that this page looked at.")).toBeTruthy();
  expect(asked.map(({ call }) => decodeURIComponent(call))).toContain(
    "GET /v1/audit?subject=pool#ecs&from=2026-11-01T00:00:00.000Z&cursor=c&limit=100",
  );
});

it("takes a filter into the address, and drops the page that was open", async () => {
  showAt("/audit?cursor=c", { "GET /v1/audit": PAGE });
  await userEvent.type(await screen.findByLabelText("about"), "type#load{Enter}");
  await waitFor(() => expect(window.location.search).toBe("?subject=type%23load"));
});

it("keeps the focus where a filter was typed, and follows the way back", async () => {
  showAt("/audit?from=2026-11-01T00:00:00.000Z", { "GET /v1/audit": PAGE });
  const about = await screen.findByLabelText("about");
  await userEvent.type(about, "type#load{Enter}");
  await waitFor(() => expect(window.location.search).toContain("subject=type%23load"));
  expect(document.activeElement).toBe(about);
  await userEvent.click(screen.getByRole("button", { name: "Clear" }));
  await waitFor(() => expect(window.location.search).toBe(""));
  expect(document.activeElement).toBe(screen.getByRole("button", { name: "Clear" }));
  expect(screen.getByLabelText<HTMLInputElement>("from").value).toBe("");
  window.history.back();
  await waitFor(() => expect(screen.getByLabelText<HTMLInputElement>("about").value).toBe("type#load"));
  expect(screen.getByLabelText<HTMLInputElement>("from").value).toMatch(/^2026-11-01T00:00/);
});

it("opens an act with its caller", async () => {
  showAt(`/audit?act=${ACT.id}`, { "GET /v1/audit": PAGE });
  expect(await screen.findByRole("heading", { name: "pool.pause" })).toBeTruthy();
  expect(screen.getByText("arn:aws:iam::1:user/ann")).toBeTruthy();
});

it("leads from the address of an act that is not on the page to where it is", async () => {
  const old = {
    ...ACT,
    id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    act: "pool.resume",
    at: "2016-07-30T23:54:10.259Z",
  };
  showAt(`/audit?act=${old.id}`, {
    "GET /v1/audit": ({ query }: Asked) => ({ ...PAGE, acts: query.has("to") ? [old] : [ACT] }),
  });
  expect(await screen.findByText(/2016-07-30 23:54:10 UTC/)).toBeTruthy();
  await userEvent.click(screen.getByRole("link", { name: "show the acts around it" }));
  expect(await screen.findByRole("heading", { name: "pool.resume" })).toBeTruthy();
  expect(decodeURIComponent(window.location.search)).toContain("from=2016-07-30T23:53:10.259Z");
  expect(screen.queryByText(/not on this page/)).toBeNull();
});

it("says of an act's malformed id what to do", async () => {
  showAt("/audit?act=x", { "GET /v1/audit": PAGE });
  expect(await screen.findByText(/Its id is malformed/)).toBeTruthy();
});

it("lets new acts wait until they are called, and shows another filter's at once", async () => {
  let acts = [{ ...ACT, id: "1", act: "pool.pause" }];
  const { queries } = showAt("/audit", { "GET /v1/audit": () => ({ ...PAGE, acts }) });
  await screen.findByText("pool.pause");
  acts = [{ ...ACT, id: "2", act: "pool.resume" }, ...acts];
  await act(() => queries.refetchQueries({ queryKey: ["audit"] }));
  const pill = await screen.findByRole("button", { name: "1 new: show" });
  expect(screen.queryByText("pool.resume")).toBeNull();
  await userEvent.click(pill);
  expect(screen.getByText("pool.resume")).toBeTruthy();
  acts = [{ ...ACT, id: "3", act: "type.limit" }, ...acts];
  await userEvent.type(screen.getByLabelText("caller"), "ann{Enter}");
  expect(await screen.findByText("type.limit")).toBeTruthy();
  expect(screen.queryByRole("button", { name: /new: show/ })).toBeNull();
});
