/**
 * A person's choices of how things look, and the views that they saved. They are the only thing that this console stores
 * in the browser: no token, no answer of the API.
 */

import { useSyncExternalStore } from "react";
import { type View, viewsIn } from "../domain/savedViews";
import { isZone, type Zone } from "../domain/times";

export type Theme = "system" | "light" | "dark";
export type Density = "comfortable" | "compact";

export interface Settings {
  readonly zone: Zone;
  readonly theme: Theme;
  readonly density: Density;
  readonly views: readonly View[];
}

const STORED_AS = "tidegate.settings";
const DEFAULTS: Settings = { zone: "UTC", theme: "system", density: "comfortable", views: [] };

function read(): Settings {
  try {
    const stored = JSON.parse(localStorage.getItem(STORED_AS) ?? "{}") as Partial<Settings>;
    return {
      zone: typeof stored.zone === "string" && isZone(stored.zone) ? stored.zone : DEFAULTS.zone,
      theme: stored.theme === "light" || stored.theme === "dark" ? stored.theme : DEFAULTS.theme,
      density: stored.density === "compact" ? "compact" : DEFAULTS.density,
      views: viewsIn(stored.views),
    };
  } catch {
    return DEFAULTS;
  }
}

let current: Settings = read();
const listeners = new Set<() => void>();

export function changeSettings(change: Partial<Settings>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(STORED_AS, JSON.stringify(current));
  } catch {
    // A browser that stores nothing keeps the choice until the page is left.
  }
  for (const listener of listeners) listener();
}

// Another tab of this browser changed them. What is stored with the next change must have its views too.
window.addEventListener("storage", ({ key }) => {
  if (key !== STORED_AS && key !== null) return;
  current = read();
  for (const listener of listeners) listener();
});

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useSettings(): Settings {
  return useSyncExternalStore(subscribe, () => current);
}
