import Typography from "@mui/material/Typography";
import { durationText } from "../../domain/times";
import { useNow } from "../../shared/now";

/** Says how old an answer is that is not asked for again by itself. */
export function ReadAgo({ atMs }: { atMs: number }) {
  const nowMs = useNow();
  if (atMs === 0) return null; // another question's answer stands in until this one's comes
  const age = durationText(Math.max(0, Math.round((nowMs - atMs) / 1_000)));
  return (
    <Typography component="p" variant="caption" color="text.secondary">
      read {age} ago, and again when you ask for it
    </Typography>
  );
}
