import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { useEffect, useRef } from "react";
import { at, type Links, linksOf } from "../../domain/graph/dag";
import { edgeType, jobId, typeName } from "../../domain/graph/graph";
import { stateOf } from "../../domain/graph/progress";
import { TERMINAL } from "../../domain/states";
import { plain, shortened } from "../../domain/text";
import { durationText } from "../../domain/times";
import { CopyButton } from "../../shared/CopyButton";
import { Expected } from "../../shared/Forecast";
import { useWorkflowForecast } from "../../shared/forecasts";
import { useLastAnswer } from "../../shared/lastAnswer";
import { ErrorNotice, Loading, ReadNotice } from "../../shared/Notices";
import { StateMark } from "../../shared/StateMark";
import { TextLink } from "../../shared/TextLink";
import { Time } from "../../shared/Time";
import { useEscape } from "../../shared/useEscape";
import { useLentFocus } from "../../shared/useLentFocus";
import { useJobRow } from "./reads";
import type { ViewProps } from "./view";

const MOST_NEIGHBOURS = 20;

/** Beside the view where there is room, else above it. */
const PANEL = {
  p: 2,
  display: "flex",
  flexDirection: "column",
  gap: 1.5,
  minWidth: 0,
  overflow: "auto",
  gridColumn: { lg: 2 },
  gridRow: { lg: 1 },
  position: { lg: "sticky" },
  top: { lg: 0 },
  maxHeight: { lg: "calc(100dvh - 48px)" },
} as const;

/** The job that is selected in any of the views: its state, its error, what it waits for and what waits for it. */
export function JobPanel(props: ViewProps & { job: number }) {
  const { graph, progress, job, address } = props;
  const id = jobId(graph, job);
  const key = shortened(plain(graph.keys[job] ?? id), 120);
  const panel = useRef<HTMLDivElement>(null);
  const close = () => address.change({ job: undefined });
  useEscape(close);
  // The person who opens a job wants to see it. Nothing moves where the panel is in sight already.
  useLentFocus(panel);
  useEffect(() => panel.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <Paper
      ref={panel}
      tabIndex={-1}
      component="aside"
      variant="outlined"
      aria-label={`job ${key}`}
      sx={PANEL}
    >
      <Box sx={{ display: "flex", justifyContent: "space-between", gap: 1, alignItems: "flex-start" }}>
        <Typography component="h2" variant="h2" sx={{ overflowWrap: "anywhere" }}>
          {key}
        </Typography>
        <Button variant="text" onClick={close}>
          Close
        </Button>
      </Box>
      <StateMark state={stateOf(progress.letters, job)} />
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
        <TextLink to="/jobs/$jobId" params={{ jobId: id }}>
          Open the job
        </TextLink>
        <Button variant="outlined" onClick={() => address.change({ view: "graph", around: String(job) })}>
          Show what is around it
        </Button>
        <CopyButton label="Copy the id" text={id} />
      </Box>
      <Foreseen {...props} />
      <Details {...props} />
      <Neighbours {...props} title="Waits for" links={graph.parents} />
      <Neighbours {...props} title="Is waited for by" links={graph.children} />
    </Paper>
  );
}

/** When the job starts and ends, where the workflow's forecast tells: it has the jobs that start first. */
function Foreseen({ graph, progress, job }: ViewProps & { job: number }) {
  const { data } = useWorkflowForecast(graph.workflowId, progress.state, false);
  const state = stateOf(progress.letters, job);
  const found = TERMINAL.has(state)
    ? undefined
    : data?.jobs.find((each) => each.job_id === jobId(graph, job));
  if (data === undefined || found === undefined) return null;
  return (
    <div>
      {state === "RUNNING" ? null : <Expected what="Starts" at={found.start} coverage={data.coverage} />}
      <Expected what="Ends" at={found.end} coverage={data.coverage} />
    </div>
  );
}

function Details({ graph, progress, job }: ViewProps & { job: number }) {
  const state = stateOf(progress.letters, job);
  const read = useJobRow(jobId(graph, job), state);
  const row = useLastAnswer(read, String(job));
  if (row === undefined) {
    return read.error === null ? <Loading lines={3} /> : <ErrorNotice error={read.error} />;
  }
  const ran = row.actual_duration_seconds;
  const estimate = row.estimated_duration_seconds;
  return (
    <>
      <ReadNotice query={{ data: row, error: read.error, refetch: read.refetch }} />
      {row.error === null ? null : (
        <Alert severity={state === "SKIPPED" || state === "CANCELLED" ? "info" : "error"}>
          <strong>{plain(row.error.code)}</strong>
          <Box sx={{ overflowWrap: "anywhere" }}>{shortened(plain(row.error.message), 1_000)}</Box>
          {row.error.last_lines.length === 0 ? null : (
            <Box
              component="pre"
              tabIndex={0}
              aria-label="the last lines that it printed"
              sx={{ m: 0, mt: 1, maxHeight: 200, overflow: "auto", fontSize: "0.75rem" }}
            >
              {row.error.last_lines.map(plain).join("\n")}
            </Box>
          )}
        </Alert>
      )}
      <Box
        component="dl"
        sx={{ display: "grid", gridTemplateColumns: "max-content 1fr", columnGap: 2, rowGap: 0.5, m: 0 }}
      >
        {(
          [
            ["type", plain(typeName(graph, job))],
            ["level", String(at(graph.levels, job) + 1)],
            ["pool", plain(row.pool)],
            ["attempt", String(row.attempt)],
            ["started", <Time key="started" at={row.started_at} relative={false} />],
            [
              "ended",
              <Time key="ended" at={TERMINAL.has(row.state) ? row.finished_at : null} relative={false} />,
            ],
            ["ran", ran === null ? "-" : durationText(ran)],
            ["estimate", estimate === null ? "-" : durationText(estimate)],
            ["worker", plain(row.worker_name ?? row.worker ?? "-")],
          ] as const
        ).map(([name, value]) => (
          <Box key={name} sx={{ display: "contents" }}>
            <Box component="dt" sx={{ color: "text.secondary" }}>
              {name}
            </Box>
            <Box component="dd" sx={{ m: 0, overflowWrap: "anywhere" }}>
              {value}
            </Box>
          </Box>
        ))}
      </Box>
    </>
  );
}

function Neighbours({
  graph,
  progress,
  job,
  select,
  title,
  links,
}: ViewProps & { job: number; title: string; links: Links }) {
  const all = linksOf(links, job);
  const earlier = links === graph.parents ? graph.outside.filter((edge) => edge.job === job) : [];
  const count = all.length + earlier.length;
  if (count === 0) return null;
  const shown = [...all.subarray(0, MOST_NEIGHBOURS)];
  const typeOf = (other: number) =>
    links === graph.parents ? edgeType(graph, other, job) : edgeType(graph, job, other);
  return (
    <Box>
      <Typography component="h3" variant="h3">
        {title} {count.toLocaleString("en")} {count === 1 ? "job" : "jobs"}
      </Typography>
      <Box component="ul" sx={{ m: 0, p: 0, listStyle: "none" }}>
        {shown.map((other) => (
          <Box
            component="li"
            key={other}
            sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}
          >
            <StateMark state={stateOf(progress.letters, other)} />
            <Button
              variant="text"
              onClick={() => select(other)}
              sx={{ minWidth: 0, overflowWrap: "anywhere" }}
            >
              {shortened(plain(graph.keys[other] ?? ""), 60)}
            </Button>
            {typeOf(other) === "MUST_SUCCEED" ? null : <span>{plain(typeOf(other))}</span>}
          </Box>
        ))}
        {earlier.slice(0, MOST_NEIGHBOURS).map((edge) => (
          <li key={edge.upstream}>
            <TextLink to="/jobs/$jobId" params={{ jobId: edge.upstream }}>
              {edge.upstream}
            </TextLink>{" "}
            of an earlier submission{edge.type === "MUST_SUCCEED" ? "" : `, ${plain(edge.type)}`}
          </li>
        ))}
      </Box>
      {count > shown.length + Math.min(earlier.length, MOST_NEIGHBOURS) ? (
        <Typography component="p" variant="body2" color="text.secondary">
          These are the first {MOST_NEIGHBOURS}. “Show what is around it” shows up to 300.
        </Typography>
      ) : null}
    </Box>
  );
}
