import Box from "@mui/material/Box";
import { useTheme } from "@mui/material/styles";
import type { JobState } from "../domain/states";
import { Icon, type IconName } from "./icons";
import { STATE_TONES } from "./theme";

const ICONS: Readonly<Record<string, IconName>> = {
  PENDING: "pending",
  SCHEDULED: "clock",
  READY: "ready",
  QUEUED: "queued",
  RUNNING: "running",
  SUCCEEDED: "done",
  FAILED: "failed",
  TIMED_OUT: "timedOut",
  CANCELLED: "cancelled",
  SKIPPED: "skipped",
  HELD: "held",
};

/** Returns the colour of a state in the present theme. */
export function useStateTone(): (state: string) => string {
  const mode = useTheme().palette.mode;
  return (state) => (STATE_TONES[state as JobState] ?? STATE_TONES.PENDING)[mode];
}

/** A state as icon, word and colour, so that none of them is needed alone. */
export function StateMark({ state, count }: { state: string; count?: number }) {
  const tone = useStateTone();
  return (
    <Box
      component="span"
      sx={{
        display: "inline-flex",
        alignItems: "center",
        verticalAlign: "bottom",
        gap: 0.5,
        color: tone(state),
        fontWeight: 600,
        whiteSpace: "nowrap",
      }}
    >
      <Icon name={ICONS[state] ?? "pending"} sx={{ fontSize: "1.1em" }} />
      {count === undefined ? state : `${count.toLocaleString("en")} ${state}`}
    </Box>
  );
}
