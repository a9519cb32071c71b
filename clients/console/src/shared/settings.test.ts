import { act, renderHook } from "@testing-library/react";
import { expect, it } from "vitest";
import { changeSettings, useSettings } from "./settings";

const STORED_AS = "tidegate.settings";

it("takes over what another tab has changed, and stores it with the next change", () => {
  const { result } = renderHook(() => useSettings());
  const views = [{ name: "mine", address: { pool: "ecs" } }];
  localStorage.setItem(STORED_AS, JSON.stringify({ zone: "Asia/Tokyo", views }));
  act(() => void window.dispatchEvent(new StorageEvent("storage", { key: STORED_AS })));
  expect(result.current.zone).toBe("Asia/Tokyo");
  act(() => changeSettings({ density: "compact" }));
  expect(JSON.parse(localStorage.getItem(STORED_AS) ?? "{}")).toMatchObject({
    zone: "Asia/Tokyo",
    density: "compact",
    views,
  });
  localStorage.clear();
  act(() => void window.dispatchEvent(new StorageEvent("storage", { key: null })));
  expect(result.current).toMatchObject({ zone: "UTC", views: [] });
});
