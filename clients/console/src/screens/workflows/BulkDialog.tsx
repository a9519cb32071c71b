import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import Typography from "@mui/material/Typography";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState } from "react";
import { useApi } from "../../api/context";
import { counted } from "../../domain/numbers";
import { plain, shortened } from "../../domain/text";
import { tallyOfWorkflows, type WorkflowAct, type WorkflowOutcome } from "../../domain/workflowActs";
import { TextLink } from "../../shared/TextLink";
import { actOnWorkflows } from "./bulk";
import type { WorkflowRow } from "./columns";

type Phase = "foreseeing" | "foreseen" | "acting" | "over";

const MOST_REASONS = 10;

/** Foresees an act on several workflows, asks, carries it out, and tells the outcome of each. */
export function BulkDialog({
  act,
  rows,
  onClose,
}: {
  act: WorkflowAct;
  rows: readonly WorkflowRow[];
  onClose: () => void;
}) {
  const api = useApi();
  const queries = useQueryClient();
  const titleId = useId();
  const [phase, setPhase] = useState<Phase>("foreseeing");
  const [foreseen, setForeseen] = useState<readonly WorkflowOutcome[]>([]);
  const [done, setDone] = useState<readonly WorkflowOutcome[]>([]);
  const stop = useRef(new AbortController());

  // biome-ignore lint/correctness/useExhaustiveDependencies: the dialog foresees once, when it opens
  useEffect(() => {
    const { signal } = stop.current;
    void actOnWorkflows(api, act, rows, true, (told) => signal.aborted || setForeseen(told), signal).then(
      () => signal.aborted || setPhase("foreseen"),
    );
    return () => stop.current.abort();
  }, []);

  const carryOut = async () => {
    setPhase("acting");
    stop.current = new AbortController();
    const left = foreseen.filter((each) => each.reason !== null);
    const able = new Set(foreseen.filter((each) => each.reason === null).map((each) => each.workflowId));
    const wanted = rows.filter((row) => able.has(row.workflow_id));
    const told = await actOnWorkflows(api, act, wanted, false, setDone, stop.current.signal);
    setDone([...told, ...left]);
    setPhase("over");
    await queries.invalidateQueries();
  };

  const tally = tallyOfWorkflows(foreseen);
  const title = `${act.charAt(0).toUpperCase()}${act.slice(1)} ${counted(rows.length, "selected workflow")}`;
  return (
    // What goes on is stopped by its own button, which then tells how far it came.
    <Dialog
      open
      onClose={phase === "acting" ? undefined : onClose}
      aria-labelledby={titleId}
      fullWidth
      maxWidth="sm"
    >
      <DialogTitle id={titleId}>{title}</DialogTitle>
      <DialogContent sx={{ display: "flex", flexDirection: "column", gap: 2 }}>
        {phase === "foreseeing" ? (
          <Typography role="status">
            Looking what it would do: {foreseen.length} of {counted(rows.length, "workflow")}
          </Typography>
        ) : null}
        {phase === "foreseen" ? (
          <div role="status">
            <Typography>
              {act}: <b>{counted(tally.workflows, "workflow")}</b> with{" "}
              {tally.complete ? (act === "hold" || act === "unhold" ? "at most " : "") : "at least "}
              {counted(tally.jobs, "job")}
              {tally.asked > 0
                ? `, of which ${tally.asked} run and their workers are asked to stop them`
                : ""}
              ; {tally.left.toLocaleString("en")} can't
            </Typography>
            <Reasons outcomes={foreseen} />
          </div>
        ) : null}
        {phase === "acting" ? (
          <Typography role="status">
            {done.length} of {counted(tally.workflows, "workflow")}
          </Typography>
        ) : null}
        {phase === "over" ? <Over act={act} rows={rows} outcomes={done} /> : null}
      </DialogContent>
      <DialogActions>
        {phase === "acting" ? (
          <Button onClick={() => stop.current.abort()}>Stop</Button>
        ) : (
          <Button onClick={onClose}>{phase === "over" ? "Close" : "Leave it"}</Button>
        )}
        {phase === "foreseen" ? (
          <Button
            variant="contained"
            color={act === "cancel" ? "error" : "primary"}
            disabled={tally.workflows === 0}
            onClick={() => void carryOut()}
          >
            {act} {counted(tally.workflows, "workflow")}
          </Button>
        ) : null}
      </DialogActions>
    </Dialog>
  );
}

function Reasons({ outcomes }: { outcomes: readonly WorkflowOutcome[] }) {
  const { reasons } = tallyOfWorkflows(outcomes);
  if (reasons.length === 0) return null;
  return (
    <Box component="ul" sx={{ my: 0.5, pl: 3, overflowWrap: "anywhere" }}>
      {reasons.slice(0, MOST_REASONS).map(([reason, count]) => (
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

function Over({
  act,
  rows,
  outcomes,
}: {
  act: WorkflowAct;
  rows: readonly WorkflowRow[];
  outcomes: readonly WorkflowOutcome[];
}) {
  const tally = tallyOfWorkflows(outcomes);
  const whole = tally.complete && outcomes.length === rows.length;
  const names = new Map(rows.map((row) => [row.workflow_id, row.name ?? row.workflow_id]));
  return (
    <div>
      <Alert severity={tally.left > 0 || !whole ? "warning" : "success"}>
        {act}: {counted(tally.workflows, "workflow")} with {counted(tally.jobs, "job")}; {tally.left} left
        {whole ? "" : "; stopped before the end, so do it again for the rest"}
      </Alert>
      <Reasons outcomes={outcomes} />
      <details>
        <summary>outcome for each workflow</summary>
        <Box component="ul" sx={{ pl: 3, maxHeight: 240, overflow: "auto", overflowWrap: "anywhere" }}>
          {outcomes.map((each) => (
            <li key={each.workflowId}>
              <TextLink to="/workflows/$workflowId" params={{ workflowId: each.workflowId }}>
                {plain(names.get(each.workflowId) ?? each.workflowId)}
              </TextLink>
              : {each.reason === null ? counted(each.jobs, "job") : shortened(plain(each.reason), 200)}
            </li>
          ))}
        </Box>
      </details>
    </div>
  );
}
