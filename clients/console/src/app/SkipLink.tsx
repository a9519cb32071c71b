import Link from "@mui/material/Link";
import type { MouseEvent } from "react";

/** The way past the rail of screens, for those who work with the keyboard. It is seen while it has the focus. */
export function SkipLink({ to }: { to: string }) {
  // The page has a base address, so the browser itself would load another page, and the sign-in would be lost.
  const skip = (event: MouseEvent) => {
    event.preventDefault();
    document.getElementById(to)?.focus();
  };
  return (
    <Link
      href={`#${to}`}
      onClick={skip}
      sx={{
        position: "absolute",
        left: -9999,
        "&:focus": { left: 8, top: 8, zIndex: 10, bgcolor: "background.paper", p: 1 },
      }}
    >
      Skip to the content
    </Link>
  );
}
