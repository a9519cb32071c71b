/** The look of the console: one palette for states, in light and in dark, with enough contrast for text. */

import { createTheme, type Theme as MuiTheme } from "@mui/material/styles";
import type { JobState } from "../domain/states";
import type { Density } from "./settings";

interface Tone {
  readonly light: string;
  readonly dark: string;
}

/** One colour a state. It never stands alone: an icon and the word stand beside it. */
export const STATE_TONES: Readonly<Record<JobState | "HELD", Tone>> = {
  PENDING: { light: "#5b6472", dark: "#a7b0bd" },
  SCHEDULED: { light: "#6b4fa0", dark: "#c4b0ee" },
  READY: { light: "#8a5300", dark: "#f0b866" },
  QUEUED: { light: "#00688b", dark: "#79cdec" },
  RUNNING: { light: "#0a58c4", dark: "#8ab8ff" },
  SUCCEEDED: { light: "#1a6b37", dark: "#7ed79b" },
  FAILED: { light: "#b3261e", dark: "#ff9a92" },
  TIMED_OUT: { light: "#9c2b56", dark: "#ff9cc0" },
  CANCELLED: { light: "#595959", dark: "#b8b8b8" },
  SKIPPED: { light: "#4f5b3a", dark: "#bcc8a4" },
  HELD: { light: "#7a4a00", dark: "#e8c07a" },
};

export function makeTheme(mode: "light" | "dark", density: Density): MuiTheme {
  return createTheme({
    palette: {
      mode,
      primary: { main: mode === "dark" ? "#8ab8ff" : "#0a58c4" },
      error: { main: mode === "dark" ? "#ff9a92" : "#b3261e" },
      background:
        mode === "dark" ? { default: "#101418", paper: "#171c22" } : { default: "#f6f7f9", paper: "#ffffff" },
    },
    typography: {
      fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif",
      fontSize: density === "compact" ? 13 : 14,
      h1: { fontSize: "1.5rem", fontWeight: 600 },
      h2: { fontSize: "1.15rem", fontWeight: 600 },
      h3: { fontSize: "1rem", fontWeight: 600 },
    },
    shape: { borderRadius: 8 },
    components: {
      MuiButton: {
        defaultProps: { size: "small", disableElevation: true },
        styleOverrides: { root: { textTransform: "none" } },
      },
      MuiTextField: { defaultProps: { size: "small" } },
      MuiButtonBase: {
        defaultProps: { disableRipple: true },
        // Without the ripple nothing else shows a button's focus.
        styleOverrides: {
          root: ({ theme }) => ({
            "&:focus-visible": { outline: `2px solid ${theme.palette.primary.main}`, outlineOffset: 2 },
          }),
        },
      },
    },
  });
}
