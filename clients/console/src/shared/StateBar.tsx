import Box from "@mui/material/Box";
import { JOB_STATES } from "../domain/states";
import { useStateTone } from "./StateMark";

/** How many jobs are in each state, as one bar in parts; the words are its text alternative. */
export function StateBar({
  counts,
  height = 8,
}: {
  counts: Readonly<Record<string, number>>;
  height?: number;
}) {
  const tone = useStateTone();
  const shown = JOB_STATES.filter((state) => (counts[state] ?? 0) > 0);
  const text = shown.map((state) => `${(counts[state] ?? 0).toLocaleString("en")} ${state}`).join(", ");
  return (
    <Box
      role="img"
      aria-label={text || "no jobs"}
      title={text}
      sx={{
        display: "flex",
        height,
        borderRadius: 1,
        overflow: "hidden",
        bgcolor: "action.hover",
        minWidth: 60,
      }}
    >
      {shown.map((state) => (
        <Box key={state} sx={{ flexGrow: counts[state] ?? 0, minWidth: 2, bgcolor: tone(state) }} />
      ))}
    </Box>
  );
}
