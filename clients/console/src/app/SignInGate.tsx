import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useSyncExternalStore } from "react";
import type { Session } from "../api/session";

/** Shows the console to people who are signed in, and the way in to others. The address stays as it is. */
export function SignInGate({ session, children }: { session: Session; children: ReactNode }) {
  const state = useSyncExternalStore(session.subscribe, session.state);
  const queries = useQueryClient();
  useEffect(() => {
    // The next person who signs in may not see all that this one saw.
    if (!state.signedIn) queries.clear();
  }, [queries, state.signedIn]);
  if (state.signedIn) return children;
  return (
    <Box component="main" sx={{ minHeight: "100dvh", display: "grid", placeItems: "center", p: 2 }}>
      <Paper variant="outlined" sx={{ p: 4, maxWidth: 420, textAlign: "center" }}>
        <Typography component="h1" variant="h1" gutterBottom>
          tidegate
        </Typography>
        <Typography component="p" sx={{ mb: 2 }}>
          Sign in to see this page. It opens a window of its own; then you are back here, at this address.
        </Typography>
        {state.said === "" ? null : (
          <Alert severity="info" sx={{ mb: 2, textAlign: "left" }}>
            {state.said}
          </Alert>
        )}
        <Button variant="contained" size="large" onClick={() => void session.signIn()}>
          Sign in
        </Button>
      </Paper>
    </Box>
  );
}
