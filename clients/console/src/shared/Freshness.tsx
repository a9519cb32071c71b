import Typography from "@mui/material/Typography";
import type { UseQueryResult } from "@tanstack/react-query";
import { durationText } from "../domain/times";
import { useNow } from "./now";

/** Says how old the data of a screen is, and whether it is asked for again. */
export function Freshness({
  query,
}: {
  query: Pick<UseQueryResult, "dataUpdatedAt" | "isError" | "fetchStatus">;
}) {
  const nowMs = useNow();
  if (query.dataUpdatedAt === 0) return null;
  const age = durationText(Math.max(0, Math.round((nowMs - query.dataUpdatedAt) / 1000)));
  const how =
    query.fetchStatus === "paused" ? "paused: no connection" : query.isError ? "the last try failed" : "live";
  return (
    <Typography component="p" variant="caption" color="text.secondary" sx={{ whiteSpace: "nowrap" }}>
      updated {age} ago · {how}
    </Typography>
  );
}
