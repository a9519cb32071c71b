import Box from "@mui/material/Box";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import useMediaQuery from "@mui/material/useMediaQuery";
import { type ReactNode, useId } from "react";

/** A titled part of a screen. */
export function Panel({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <Paper component="section" variant="outlined" aria-labelledby={id} sx={{ p: 2, minWidth: 0 }}>
      <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", justifyContent: "space-between", mb: 1 }}>
        <Typography component="h2" variant="h2" id={id} sx={{ overflowWrap: "anywhere" }}>
          {title}
        </Typography>
        {aside}
      </Box>
      {children}
    </Paper>
  );
}

/** Names and values, one below the other. */
export function Facts({ rows }: { rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <Box
      component="dl"
      sx={{ display: "grid", gridTemplateColumns: "fit-content(40%) 1fr", gap: "4px 16px", m: 0 }}
    >
      {rows.map(([name, value]) => (
        <Box key={name} sx={{ display: "contents" }}>
          <Box component="dt" sx={{ color: "text.secondary" }}>
            {name}
          </Box>
          <Box
            component="dd"
            sx={{
              m: 0,
              overflowWrap: "anywhere",
              minWidth: 0,
              "& time": { whiteSpace: "normal !important" },
            }}
          >
            {value}
          </Box>
        </Box>
      ))}
    </Box>
  );
}

/** A list beside the detail of its chosen row; on a narrow screen the detail stands above the list. */
export function Split({ detail, children }: { detail: ReactNode; children: ReactNode }) {
  const narrow = useMediaQuery("(max-width: 1200px)");
  const columns = detail === null || narrow ? "minmax(0, 1fr)" : "minmax(0, 3fr) minmax(0, 2fr)";
  return (
    <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: columns, alignItems: "start" }}>
      {narrow ? detail : null}
      <Box sx={{ minWidth: 0 }}>{children}</Box>
      {narrow ? null : detail}
    </Box>
  );
}
