import { type RefObject, useEffect } from "react";

/**
 * Gives the focus to a panel that was opened by keyboard, and gives it back to the row or the box behind it when the
 * panel closes. Somebody who clicks keeps the focus in the list.
 */
export function useLentFocus(panel: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const lender = document.activeElement;
    if (!(lender instanceof HTMLElement) || lender === document.body || !lender.matches(":focus-visible"))
      return;
    panel.current?.focus();
    return () => {
      // Only once the panel is gone the focus is free.
      requestAnimationFrame(() => {
        if (document.activeElement === null || document.activeElement === document.body) lender.focus();
      });
    };
  }, [panel]);
}
