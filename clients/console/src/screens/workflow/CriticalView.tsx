import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { stateOf } from "../../domain/graph/progress";
import { counted } from "../../domain/numbers";
import { plain } from "../../domain/text";
import { durationText } from "../../domain/times";
import { Empty, ErrorNotice, Loading } from "../../shared/Notices";
import { StateMark } from "../../shared/StateMark";
import { type Column, VirtualTable } from "../../shared/VirtualTable";
import { ReadAgo } from "./ReadAgo";
import { useCriticalPath } from "./reads";
import type { ViewProps } from "./view";

interface Step {
  readonly job: number;
  readonly key: string;
  readonly state: string;
  readonly seconds: number;
  readonly knownBy: string;
  readonly part: number;
}

const KNOWN_BY: Readonly<Record<string, string>> = {
  MEASURED: "measured",
  ESTIMATED: "estimated",
  UNKNOWN: "not known",
};

const COLUMNS: readonly Column<Step>[] = [
  { id: "state", title: "State", width: "150px", cell: (step) => <StateMark state={step.state} /> },
  {
    id: "key",
    title: "Key",
    width: "minmax(150px, 2fr)",
    cell: (step) => <span title={plain(step.key)}>{plain(step.key)}</span>,
  },
  {
    id: "seconds",
    title: "Takes",
    width: "110px",
    align: "right",
    cell: (step) => (step.knownBy === "UNKNOWN" ? "-" : durationText(step.seconds)),
  },
  { id: "known", title: "Known by", width: "100px", cell: (step) => KNOWN_BY[step.knownBy] ?? step.knownBy },
  {
    id: "part",
    title: "Part of the path",
    width: "minmax(120px, 1fr)",
    cell: (step) => (
      <Box sx={{ display: "flex", alignItems: "center", gap: 1 }}>
        <Box
          aria-hidden="true"
          sx={{
            height: 8,
            width: `${Math.round(step.part * 70)}%`,
            minWidth: 2,
            borderRadius: 1,
            bgcolor: step.knownBy === "MEASURED" ? "primary.main" : "action.disabled",
          }}
        />
        {Math.round(step.part * 100)} %
      </Box>
    ),
  },
];

/** The chain of jobs that takes longest, by what is measured and by the estimates of what has not ended. */
export function CriticalView({ graph, progress, job, select }: ViewProps) {
  const path = useCriticalPath(graph.workflowId, progress.state);
  if (path.data === undefined) {
    return path.error === null ? (
      <Loading />
    ) : (
      <ErrorNotice error={path.error} onRetry={() => void path.refetch()} />
    );
  }
  const { jobs, keys, job_seconds, known_by, seconds, measured_seconds } = path.data;
  if (jobs.length === 0) {
    return (
      <Empty title="Nothing is known of how long its jobs take">
        Give jobs <code>estimated_duration_seconds</code>, or wait until the first one has ended.
      </Empty>
    );
  }
  const steps = jobs.map((each, place) => ({
    job: each,
    key: keys[place] ?? "",
    state: stateOf(progress.letters, each),
    seconds: job_seconds[place] ?? 0,
    knownBy: known_by[place] ?? "UNKNOWN",
    part: seconds === 0 ? 0 : (job_seconds[place] ?? 0) / seconds,
  }));
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1.5, alignItems: "center" }}>
        <Typography component="p" variant="body2">
          {jobs.length === 1 ? "1 job takes" : `${counted(jobs.length, "job")} one behind the other take`}{" "}
          {durationText(seconds)}, of which {durationText(measured_seconds)} are measured.
        </Typography>
        <Button variant="outlined" onClick={() => void path.refetch()}>
          Read again
        </Button>
        <ReadAgo atMs={path.dataUpdatedAt} />
      </Box>
      <VirtualTable
        label="the critical path, first job first"
        rows={steps}
        columns={COLUMNS}
        rowId={(step) => String(step.job)}
        current={job === null ? null : String(job)}
        onOpen={(step) => select(step.job)}
        height="max(300px, calc(100dvh - 420px))"
      />
    </>
  );
}
