import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import {
  notifyManager,
  onlineManager,
  type Query,
  type QueryCache,
  useQueryClient,
} from "@tanstack/react-query";
import { useCallback, useSyncExternalStore } from "react";
import { isTransient } from "../api/problems";
import { plain } from "../domain/text";

const OFFLINE = "There is no connection.";

/** Tells whether the screen has a query that got no answer. A query without data forgets its error while it asks again. */
function isUnanswered(query: Query): boolean {
  if (!query.isActive()) return false;
  const { status, error, errorUpdateCount } = query.state;
  return status === "error" ? isTransient(error) : status === "pending" && errorUpdateCount > 0;
}

/** Returns why the screen may be old, as a sentence; empty where it is not. */
function troubleOf(cache: QueryCache): string {
  if (!onlineManager.isOnline()) return OFFLINE;
  const unanswered = cache.getAll().filter(isUnanswered);
  if (unanswered.length === 0) return "";
  const error = unanswered.map((query) => query.state.error).find((each) => each !== null);
  return `The API does not answer as it should${error == null ? "" : `: ${plain(error.message)}`}.`;
}

/** Says once for the whole screen that answers are missing. It lies over the screen, so that nothing moves. */
export function Reachability() {
  const queries = useQueryClient();
  const cache = queries.getQueryCache();
  const subscribe = useCallback(
    (listener: () => void) => {
      const changed = notifyManager.batchCalls(listener);
      const stops = [cache.subscribe(changed), onlineManager.subscribe(changed)];
      return () => {
        for (const stop of stops) stop();
      };
    },
    [cache],
  );
  const trouble = useSyncExternalStore(subscribe, () => troubleOf(cache));
  return (
    <Box
      role="status"
      aria-label="connection"
      sx={{
        position: "fixed",
        bottom: { xs: 72, md: 16 },
        left: "50%",
        transform: "translateX(-50%)",
        width: "min(640px, calc(100vw - 24px))",
        zIndex: "snackbar",
      }}
    >
      {trouble === "" ? null : (
        <Alert
          severity="warning"
          variant="outlined"
          sx={{ bgcolor: "background.paper", boxShadow: 3, overflowWrap: "anywhere" }}
          action={
            trouble === OFFLINE ? undefined : (
              <Button
                color="inherit"
                onClick={() => void queries.refetchQueries({ predicate: isUnanswered })}
              >
                Ask now
              </Button>
            )
          }
        >
          {trouble} What you see may be old. It becomes fresh by itself
          {trouble === OFFLINE ? " once the connection is back." : " once the API answers again."}
        </Alert>
      )}
    </Box>
  );
}
