import Box from "@mui/material/Box";
import useMediaQuery from "@mui/material/useMediaQuery";
import type { ReactNode } from "react";

/** Content that a narrow screen keeps behind a line of text, so that what matters more stays in sight. */
export function Folded({
  summary,
  open = false,
  children,
}: {
  summary: string;
  open?: boolean;
  children: ReactNode;
}) {
  const narrow = useMediaQuery("(max-width: 700px)");
  if (!narrow) return <>{children}</>;
  return (
    <details open={open}>
      <Box component="summary" sx={{ cursor: "pointer", py: 0.5 }}>
        {summary}
      </Box>
      <Box sx={{ pt: 1 }}>{children}</Box>
    </details>
  );
}
