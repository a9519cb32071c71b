import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useId, useRef, useState } from "react";
import { useApi } from "../../api/context";
import { type BulkAct, type Told, tallyOf } from "../../domain/jobActs";
import type { BulkFilter } from "../../domain/jobFilters";
import { counted } from "../../domain/numbers";
import { plain, shortened } from "../../domain/text";
import { JobLink } from "../../shared/JobLink";
import { ErrorNotice } from "../../shared/Notices";
import { actOnFilter, actOnJobs, type Progress } from "./bulk";

/** The jobs that an act is for: some by their ids, or all that a filter names. */
export type Scope = { readonly ids: readonly string[] } | { readonly filter: BulkFilter };

type Phase = "asking" | "foreseeing" | "foreseen" | "acting" | "over";

const MOST_REASONS = 10;
const MOST_OUTCOMES = 200;
const LOWEST_PRIORITY = 1;
const HIGHEST_PRIORITY = 1_000;

/** Foresees an act on many jobs, asks, carries it out, and tells the outcome of each job. */
export function BulkDialog({
  act,
  scope,
  title,
  onClose,
}: {
  act: BulkAct;
  scope: Scope;
  /** Names the jobs where the screen has words for them. */
  title?: string;
  onClose: () => void;
}) {
  const api = useApi();
  const queries = useQueryClient();
  const titleId = useId();
  const [phase, setPhase] = useState<Phase>(act === "reprioritise" ? "asking" : "foreseeing");
  const [priority, setPriority] = useState("500");
  const [foreseen, setForeseen] = useState<Progress>({ told: [], complete: false });
  const [done, setDone] = useState<Progress>({ told: [], complete: false });
  const [error, setError] = useState<unknown>(null);
  const stop = useRef(new AbortController());

  const order = { act, priority: Number(priority) };
  const isPriority =
    Number.isInteger(order.priority) &&
    order.priority >= LOWEST_PRIORITY &&
    order.priority <= HIGHEST_PRIORITY;

  const foresee = useCallback(
    async (number: number) => {
      setPhase("foreseeing");
      setError(null);
      stop.current = new AbortController();
      const { signal } = stop.current;
      const wanted = { act, priority: number };
      const show = (progress: Progress) => {
        if (!signal.aborted) setForeseen(progress);
      };
      try {
        show(
          "ids" in scope
            ? await actOnJobs(api, wanted, scope.ids, true, show, signal)
            : await actOnFilter(api, wanted, scope.filter, true, show, signal),
        );
        if (!signal.aborted) setPhase("foreseen");
      } catch (raised) {
        if (signal.aborted) return;
        setError(raised);
        setPhase("asking");
      }
    },
    [api, act, scope],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: the dialog foresees once, when it opens
  useEffect(() => {
    if (act !== "reprioritise") void foresee(0);
    return () => stop.current.abort();
  }, []);

  const carryOut = async () => {
    setPhase("acting");
    setError(null);
    stop.current = new AbortController();
    const { signal } = stop.current;
    try {
      if ("ids" in scope) {
        const able = foreseen.told.filter((each) => each.outcome !== "LEFT").map((each) => each.job_id);
        const not = foreseen.told.filter((each) => each.outcome === "LEFT");
        const progress = await actOnJobs(api, order, able, false, setDone, signal);
        setDone({ told: [...progress.told, ...not], complete: progress.complete });
      } else {
        setDone(await actOnFilter(api, order, scope.filter, false, setDone, signal));
      }
    } catch (raised) {
      setError(raised);
    }
    setPhase("over");
    await queries.invalidateQueries();
  };

  const able = tallyOf(foreseen.told);
  const count = able.done + able.asked;
  // Of selected jobs only those are called that can be acted on; a filter names the others too.
  const called = "ids" in scope ? count : foreseen.told.length;
  return (
    // What goes on is stopped by its own button, which then tells how far it came.
    <Dialog
      open
      onClose={phase === "acting" ? undefined : onClose}
      aria-labelledby={titleId}
      fullWidth
      maxWidth="sm"
    >
      <DialogTitle id={titleId}>{title ?? titleOf(act, scope)}</DialogTitle>
      <DialogContent sx={{ display: "flex", flexDirection: "column", gap: 2 }}>
        {act === "reprioritise" && phase !== "acting" && phase !== "over" ? (
          <TextField
            label={`new priority, ${LOWEST_PRIORITY} to ${HIGHEST_PRIORITY}, higher first`}
            value={priority}
            error={!isPriority}
            onChange={(event) => {
              setPriority(event.target.value);
              setPhase("asking");
            }}
            slotProps={{ htmlInput: { inputMode: "numeric" } }}
            sx={{ mt: 1 }}
          />
        ) : null}
        {phase === "foreseeing" ? (
          <Typography role="status">
            Looking what it would do: {counted(foreseen.told.length, "job")} so far
          </Typography>
        ) : null}
        {phase === "foreseen" ? <Foreseen act={act} progress={foreseen} /> : null}
        {phase === "acting" ? (
          <Typography role="status">
            {done.told.length.toLocaleString("en")} of {foreseen.complete ? "" : "at least "}
            {counted(called, "job")}
          </Typography>
        ) : null}
        {phase === "over" ? <Outcome act={act} progress={done} /> : null}
        {error === null ? null : <ErrorNotice error={error} />}
      </DialogContent>
      <DialogActions>
        {phase === "acting" ? (
          <Button onClick={() => stop.current.abort()}>Stop</Button>
        ) : (
          <Button onClick={onClose}>{phase === "over" ? "Close" : "Leave it"}</Button>
        )}
        {phase === "asking" ? (
          <Button
            variant="contained"
            disabled={act === "reprioritise" && !isPriority}
            onClick={() => void foresee(order.priority)}
          >
            Look what it would do
          </Button>
        ) : null}
        {phase === "foreseen" ? (
          <Button
            variant="contained"
            color={act === "cancel" ? "error" : "primary"}
            disabled={count === 0}
            onClick={() => void carryOut()}
          >
            {act} {foreseen.complete ? "" : "at least "}
            {counted(count, "job")}
          </Button>
        ) : null}
      </DialogActions>
    </Dialog>
  );
}

function titleOf(act: BulkAct, scope: Scope): string {
  const what = `${act.charAt(0).toUpperCase()}${act.slice(1)}`;
  if ("filter" in scope) return `${what} all jobs that the filter names, in ${scope.filter.state}`;
  return `${what} ${counted(scope.ids.length, "selected job")}`;
}

/** The number of jobs that an act would reach, and those that it would leave, with the reasons. */
function Foreseen({ act, progress }: { act: BulkAct; progress: Progress }) {
  const tally = tallyOf(progress.told);
  return (
    <div role="status">
      <Typography>
        {act}: {progress.complete ? "" : "at least "}
        <b>{(tally.done + tally.asked).toLocaleString("en")}</b>
        {tally.asked > 0 ? `, of which ${tally.asked} run and their workers are asked to stop them` : ""};{" "}
        {tally.left.toLocaleString("en")} can't
      </Typography>
      <Reasons told={progress.told} />
      {act === "hold" || act === "unhold" || act === "reprioritise" ? (
        <Typography variant="caption" color="text.secondary">
          Judged by the present states. A job that is dispatched meanwhile is left as it is.
        </Typography>
      ) : null}
    </div>
  );
}

function Reasons({ told }: { told: readonly Told[] }) {
  const { reasons } = tallyOf(told);
  if (reasons.length === 0) return null;
  return (
    <Box component="ul" sx={{ my: 0.5, pl: 3, overflowWrap: "anywhere" }}>
      {reasons.slice(0, MOST_REASONS).map(({ reason, count }) => (
        <li key={reason}>
          {count} can't: {shortened(plain(reason), 300)}
        </li>
      ))}
      {reasons.length > MOST_REASONS ? (
        <li>and {counted(reasons.length - MOST_REASONS, "more reason")}</li>
      ) : null}
    </Box>
  );
}

function Outcome({ act, progress }: { act: BulkAct; progress: Progress }) {
  const tally = tallyOf(progress.told);
  return (
    <div>
      <Alert severity={tally.left > 0 || !progress.complete ? "warning" : "success"}>
        {act}: {tally.done} done, {tally.asked} asked, {tally.left} left
        {progress.complete ? "" : "; stopped before the end, so do it again for the rest"}
      </Alert>
      <Reasons told={progress.told} />
      <details>
        <summary>
          outcome for each job{progress.told.length > MOST_OUTCOMES ? ` (first ${MOST_OUTCOMES})` : ""}
        </summary>
        <Box component="ul" sx={{ pl: 3, maxHeight: 240, overflow: "auto", overflowWrap: "anywhere" }}>
          {progress.told.slice(0, MOST_OUTCOMES).map((each) => (
            <li key={each.job_id}>
              <JobLink job={each} />: {each.outcome}
              {each.state === null ? "" : `, ${each.state}`}
              {each.reason === null ? "" : ` (${shortened(plain(each.reason), 200)})`}
            </li>
          ))}
        </Box>
      </details>
    </div>
  );
}
