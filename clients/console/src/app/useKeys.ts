/** The keys that work on every screen. */

import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { SCREENS } from "./screens";

const SEQUENCE_MS = 1_200;

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Tells whether a dialog lies over the screen, whose keys would then act on what nobody can reach. */
function isCovered(): boolean {
  return document.querySelector('[role="dialog"]') !== null;
}

/** Listens for `?`, `/`, Ctrl-K or Cmd-K, and `g` with a letter. */
export function useKeys(acts: { readonly help: () => void; readonly lookUp: () => void }): void {
  const navigate = useNavigate();
  const latest = useRef(acts);
  latest.current = acts;
  useEffect(() => {
    let goAtMs = 0;
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        event.stopPropagation();
        latest.current.lookUp();
        return;
      }
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey || isCovered()) return;
      const screen = SCREENS.find((each) => each.key === event.key);
      if (screen !== undefined && event.timeStamp - goAtMs < SEQUENCE_MS) {
        goAtMs = 0;
        event.preventDefault();
        event.stopPropagation();
        void navigate({ to: screen.path });
        return;
      }
      goAtMs = event.key === "g" ? event.timeStamp : 0;
      if (event.key === "?") latest.current.help();
      if (event.key === "/") {
        const field = document.querySelector<HTMLElement>("[data-search]");
        event.preventDefault();
        if (field === null) latest.current.lookUp();
        else field.focus();
      }
    };
    // Before any table has them: `g` and `j` go to the jobs, and not to the next row.
    window.addEventListener("keydown", onKey, true);
    return () => window.removeEventListener("keydown", onKey, true);
  }, [navigate]);
}
