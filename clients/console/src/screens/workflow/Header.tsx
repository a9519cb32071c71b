import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useMemo } from "react";
import type { Graph } from "../../domain/graph/graph";
import { isMoving, type Progress } from "../../domain/graph/progress";
import { firstFailure } from "../../domain/graph/search";
import { remainingOf } from "../../domain/graph/timeline";
import { counted } from "../../domain/numbers";
import { JOB_STATES } from "../../domain/states";
import { plain, shortened } from "../../domain/text";
import { durationText, secondsBetween, timeText, zoneName } from "../../domain/times";
import { CopyButton } from "../../shared/CopyButton";
import { Folded } from "../../shared/Folded";
import { Icon } from "../../shared/icons";
import { useNow } from "../../shared/now";
import { StateBar } from "../../shared/StateBar";
import { StateMark } from "../../shared/StateMark";
import { useSettings } from "../../shared/settings";
import { TextLink } from "../../shared/TextLink";
import { Ago, Time } from "../../shared/Time";
import { Acts } from "./acts";
import type { Workflow } from "./reads";
import { WorkflowForecast } from "./WorkflowForecast";

/** What is to be known of a workflow at first: its state, how many jobs are in which, how long it takes, what failed. */
export function Header({
  workflow,
  graph,
  progress,
  select,
}: {
  workflow: Workflow;
  graph: Graph | undefined;
  progress: Progress;
  select: (job: number) => void;
}) {
  const failure = useMemo(
    () => (graph === undefined ? null : firstFailure(graph, progress.letters)),
    [graph, progress.letters],
  );
  return (
    <Box sx={{ display: "flex", flexDirection: "column", gap: 1.5 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1.5, alignItems: "center" }}>
        <Box sx={{ fontSize: "1.15rem" }}>
          <StateMark state={progress.state} />
        </Box>
        {failure === null ? null : (
          <Button
            variant="contained"
            color="error"
            startIcon={<Icon name="failed" />}
            onClick={() => select(failure)}
          >
            First failure
          </Button>
        )}
        <Acts workflowId={workflow.workflow_id} graph={graph} progress={progress} />
        <CopyButton label="Copy the id" text={workflow.workflow_id} />
      </Box>
      <StateBar counts={progress.counts} height={14} />
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2 }}>
        {JOB_STATES.filter((state) => (progress.counts[state] ?? 0) > 0).map((state) => (
          <TextLink
            key={state}
            to="/workflows/$workflowId"
            params={{ workflowId: workflow.workflow_id }}
            search={{ view: "jobs", state }}
            resetScroll={false}
          >
            <StateMark state={state} count={progress.counts[state] ?? 0} />
          </TextLink>
        ))}
      </Box>
      {graph === undefined || !isMoving(progress.state) ? null : (
        <WorkflowForecast workflowId={workflow.workflow_id} progress={progress} />
      )}
      <Folded summary="Times, submitter and tags">
        <Facts workflow={workflow} graph={graph} progress={progress} />
      </Folded>
    </Box>
  );
}

/** A time with how long ago it is; the two go below each other where there is little room. */
function Moment({ at }: { at: string | null }) {
  if (at === null) return <span>-</span>;
  return (
    <>
      <Time at={at} relative={false} /> (<Ago at={at} />)
    </>
  );
}

/** How long what has not ended takes by its estimates, and until when that is. */
function Left({ graph, progress }: { graph: Graph; progress: Progress }) {
  const nowMs = useNow();
  const { zone } = useSettings();
  const { seconds, known, unknown } = useMemo(
    () => remainingOf(graph, progress.letters),
    [graph, progress.letters],
  );
  if (known === 0) return <span>no estimates</span>;
  if (progress.state === "HELD") return <span>on hold, then {durationText(seconds)}</span>;
  const until = timeText(new Date(nowMs + seconds * 1_000).toISOString(), zone);
  const jobs =
    unknown === 1 ? "1 job has no estimate" : `${unknown.toLocaleString("en")} jobs have no estimate`;
  return (
    <span title="the longest chain of jobs that have not ended; waiting for free slots comes on top">
      {unknown === 0 ? "about" : "at least"} {durationText(seconds)}, until {until} {zoneName(zone)}
      {unknown === 0 ? "" : ` (${jobs})`}
    </span>
  );
}

function Facts({
  workflow,
  graph,
  progress,
}: {
  workflow: Workflow;
  graph: Graph | undefined;
  progress: Progress;
}) {
  const nowMs = useNow();
  const elapsed = secondsBetween(progress.startedAt, progress.endedAt ?? new Date(nowMs).toISOString());
  const outside = graph?.outside.length ?? 0;
  const facts = [
    ["elapsed", elapsed === null ? "not started" : durationText(elapsed)],
    ...(graph === undefined || !isMoving(progress.state)
      ? []
      : [["left by estimates", <Left key="left" graph={graph} progress={progress} />]]),
    [
      "critical path by estimates",
      progress.criticalPathSeconds === null ? "no estimates" : durationText(progress.criticalPathSeconds),
    ],
    ["started", <Moment key="started" at={progress.startedAt} />],
    ["ended", <Moment key="ended" at={progress.endedAt} />],
    ["submitted", <Moment key="submitted" at={workflow.created_at} />],
    ["by", plain(workflow.submitted_by ?? "-")],
    [
      "tags",
      shortened(
        plain(
          Object.entries(workflow.tags)
            .map(([name, value]) => `${name}=${value}`)
            .join(", ") || "-",
        ),
        300,
      ),
    ],
    ...(outside === 0
      ? []
      : [["waits on earlier submissions", `by ${counted(outside, "dependency", "dependencies")}`]]),
  ] as const;
  return (
    <Box component="dl" sx={{ display: "flex", flexWrap: "wrap", columnGap: 3, rowGap: 0.5, m: 0 }}>
      {facts.map(([name, value]) => (
        <Box key={String(name)}>
          <Box component="dt" sx={{ color: "text.secondary", fontSize: "0.75rem" }}>
            {name}
          </Box>
          <Box component="dd" sx={{ m: 0, overflowWrap: "anywhere" }}>
            {value}
          </Box>
        </Box>
      ))}
    </Box>
  );
}
