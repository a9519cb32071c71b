import Button from "@mui/material/Button";
import { useState } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useLive } from "../../api/live";
import { TERMINAL } from "../../domain/states";
import { plain } from "../../domain/text";
import { Loading, ReadNotice } from "../../shared/Notices";
import { Panel } from "../../shared/Panel";
import { TextLink } from "../../shared/TextLink";
import { Time } from "../../shared/Time";
import { tableHeight } from "../../shared/tableHeight";
import { type Column, VirtualTable } from "../../shared/VirtualTable";
import { type Run, RunMark } from "../timetables/RunMark";

const PAGE = 25;

const COLUMNS: readonly Column<Run>[] = [
  {
    id: "at",
    title: "scheduled time",
    width: "minmax(320px, 2fr)",
    cell: (run) => <Time at={run.scheduled_at} />,
  },
  { id: "cause", title: "cause", width: "100px", cell: (run) => run.cause },
  { id: "outcome", title: "outcome", width: "minmax(180px, 2fr)", cell: (run) => <RunMark run={run} /> },
  {
    id: "submitted",
    title: "submitted",
    width: "minmax(220px, 3fr)",
    cell: (run) => <Submitted run={run} />,
  },
];

function Submitted({ run }: { run: Run }) {
  if (run.job_id !== null)
    return (
      <TextLink to="/jobs/$jobId" params={{ jobId: run.job_id }}>
        job {run.job_id}
      </TextLink>
    );
  if (run.workflow_id !== null)
    return (
      <TextLink to="/workflows/$workflowId" params={{ workflowId: run.workflow_id }}>
        workflow {run.workflow_id}
      </TextLink>
    );
  return <>{run.code === null ? "-" : plain(`${run.code}: ${run.message ?? ""}`)}</>;
}

/** The runs of a timetable, the latest first, page by page. */
export function Runs({ timetableId }: { timetableId: string }) {
  const api = useApi();
  const [cursor, setCursor] = useState("");
  const query = { limit: PAGE, ...(cursor === "" ? {} : { cursor }) };
  const runs = useLive({
    key: ["timetables", timetableId, "runs", query],
    read: (signal) =>
      answerOf(
        api.GET("/v1/timetables/{timetable_id}/runs", {
          params: { path: { timetable_id: timetableId }, query },
          signal,
        }),
      ),
    moves: (data) => data.runs.some((run) => run.state !== null && !TERMINAL.has(run.state)),
  });
  const rows = runs.data?.runs;
  const next = runs.data?.cursor ?? null;
  return (
    <Panel title="Runs">
      <ReadNotice query={runs} />
      {rows === undefined ? (
        runs.isError ? null : (
          <Loading lines={3} />
        )
      ) : rows.length === 0 ? (
        <p style={{ margin: 0 }}>There is no run {cursor === "" ? "yet" : "before these"}.</p>
      ) : (
        <VirtualTable
          label="runs"
          rows={rows}
          columns={COLUMNS}
          rowId={(run) => `${run.cause} ${run.scheduled_at} ${run.recorded_at}`}
          height={tableHeight(rows.length)}
        />
      )}
      {cursor === "" ? null : <Button onClick={() => setCursor("")}>The latest runs</Button>}
      {next === null ? null : <Button onClick={() => setCursor(next)}>Earlier runs</Button>}
    </Panel>
  );
}
