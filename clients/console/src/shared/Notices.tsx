import Alert from "@mui/material/Alert";
import AlertTitle from "@mui/material/AlertTitle";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Skeleton from "@mui/material/Skeleton";
import Typography from "@mui/material/Typography";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiProblem, isTransient, Unreachable } from "../api/problems";
import { plain } from "../domain/text";

function titleOf(error: unknown): string {
  if (error instanceof ApiProblem) return error.problem.title || `Refused (${error.status})`;
  return error instanceof Unreachable ? "No answer" : "Not done";
}

/** A refusal or a lost connection, with what to do. */
export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const problem = error instanceof ApiProblem ? error : null;
  return (
    <Alert
      severity="error"
      action={
        onRetry === undefined ? undefined : (
          <Button color="inherit" onClick={onRetry}>
            Try again
          </Button>
        )
      }
    >
      <AlertTitle>{titleOf(error)}</AlertTitle>
      {plain(error instanceof Error ? error.message : String(error))}
      {problem?.problem.errors.map((each) => (
        <div key={`${each.field} ${each.message}`}>
          {plain(each.field === "" ? each.message : `${each.field}: ${each.message}`)}
        </div>
      ))}
    </Alert>
  );
}

/**
 * Says why a query has no answer. Where an earlier answer is shown and the API does not answer for a while, it says
 * nothing: the notice over the screen does (Reachability), and a line here would move what somebody reads. With `onDemand`
 * it says that too: somebody asked, and nothing else answers.
 */
export function ReadNotice({
  query,
  onDemand = false,
  onRetry,
}: {
  query: Pick<UseQueryResult, "data" | "error" | "refetch">;
  onDemand?: boolean;
  onRetry?: () => void;
}) {
  const { data, error } = query;
  if (error === null || (data !== undefined && !onDemand && isTransient(error))) return null;
  return <ErrorNotice error={error} onRetry={onRetry ?? (() => void query.refetch())} />;
}

/** An empty list, and the next thing to do. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Box sx={{ py: 6, px: 2, textAlign: "center", color: "text.secondary" }}>
      <Typography component="p" variant="h3" gutterBottom>
        {title}
      </Typography>
      {children}
    </Box>
  );
}

/** A command to copy. */
export function Command({ text }: { text: string }) {
  return (
    <Box
      component="pre"
      sx={{
        m: 0,
        p: 1,
        bgcolor: "action.hover",
        borderRadius: 1,
        whiteSpace: "pre-wrap",
        overflowWrap: "anywhere",
        textAlign: "left",
      }}
    >
      <code>{text}</code>
    </Box>
  );
}

/** Grey lines of the final size while the first answer is on its way. */
export function Loading({ lines = 6, height = 32 }: { lines?: number; height?: number }) {
  return (
    <Box aria-busy="true" aria-label="loading" role="status">
      {Array.from({ length: lines }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all alike and never move
        <Skeleton key={index} height={height} />
      ))}
    </Box>
  );
}
