import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { memo, useMemo } from "react";
import { linksOf, partOf } from "../../domain/graph/dag";
import { type Graph, typeName } from "../../domain/graph/graph";
import { stateOf } from "../../domain/graph/progress";
import { firstFailure, MOST_BOXES, neighbourhood } from "../../domain/graph/search";
import { counted } from "../../domain/numbers";
import { plain, shortened } from "../../domain/text";
import { StateMark } from "../../shared/StateMark";
import { BoxGraph, type Edge } from "./BoxGraph";
import { jobIn, numberIn, type ViewProps } from "./view";

const WIDTH = 170;
const HEIGHT = 74;
const USUAL_HOPS = 2;
const MOST_HOPS = 10;

/** Returns the edges between some jobs, those of the critical path strong. */
function edgesOf(graph: Graph, jobs: readonly number[]): readonly Edge[] {
  const places = new Map(jobs.map((job, place) => [job, place]));
  const next = new Map(graph.criticalPath.map((job, place) => [job, graph.criticalPath[place + 1]]));
  return jobs.flatMap((job, from) =>
    [...linksOf(graph.children, job)].flatMap((child) => {
      const to = places.get(child);
      return to === undefined ? [] : [{ from, to, count: 1, strong: next.get(job) === child }];
    }),
  );
}

/** Every job as a box: of the whole workflow where it has few, else of what is around one job. */
export function GraphView(props: ViewProps) {
  const { graph, address, job } = props;
  const around = jobIn(graph, address.search.around);
  const up = numberIn(address.search.up, USUAL_HOPS, MOST_HOPS);
  const down = numberIn(address.search.down, USUAL_HOPS, MOST_HOPS);
  const shown = useMemo(() => {
    if (around !== null) return neighbourhood(graph, around, up, down);
    return graph.count <= MOST_BOXES ? { jobs: [...graph.keys.keys()], cut: false } : null;
  }, [graph, around, up, down]);
  if (shown === null) return <TooMany {...props} />;
  return (
    <>
      {around === null ? null : <Around {...props} around={around} up={up} down={down} />}
      {shown.cut ? (
        <Alert severity="info">
          More than {MOST_BOXES} jobs are that near. These are the nearest ones; fewer steps show all of them.
        </Alert>
      ) : null}
      <Picture {...props} job={job ?? around} jobs={shown.jobs} />
    </>
  );
}

const CUT = { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" } as const;

/** One job as a box. Boxes whose job has not changed are not drawn again. */
const JobContent = memo(function JobContent(props: { state: string; name: string; type: string }) {
  return (
    <>
      <StateMark state={props.state} />
      <Box component="span" title={props.name} sx={{ ...CUT, fontWeight: 600 }}>
        {props.name}
      </Box>
      <Box component="span" sx={{ ...CUT, color: "text.secondary", fontSize: "0.72rem" }}>
        {props.type}
      </Box>
    </>
  );
});

function Picture({ graph, progress, job, select, jobs }: ViewProps & { jobs: readonly number[] }) {
  const dag = useMemo(() => partOf(graph, jobs), [graph, jobs]);
  const edges = useMemo(() => edgesOf(graph, jobs), [graph, jobs]);
  const current = job === null ? -1 : jobs.indexOf(job);
  const content = (place: number) => {
    const shown = jobs[place] ?? 0;
    return (
      <JobContent
        state={stateOf(progress.letters, shown)}
        name={plain(graph.keys[shown] ?? "")}
        type={plain(typeName(graph, shown))}
      />
    );
  };
  return (
    <BoxGraph
      label={`${counted(jobs.length, "job")} and their dependencies`}
      dag={dag}
      edges={edges}
      width={WIDTH}
      height={HEIGHT}
      current={current < 0 ? null : current}
      keyOf={(place) => String(jobs[place])}
      box={content}
      onOpen={(place) => select(jobs[place] ?? 0)}
    />
  );
}

function Around({
  graph,
  address,
  around,
  up,
  down,
}: ViewProps & { around: number; up: number; down: number }) {
  const hops = (name: "up" | "down", label: string, value: number) => (
    <TextField
      type="number"
      label={label}
      value={value}
      onChange={(event) => address.change({ [name]: event.target.value }, { replace: true })}
      slotProps={{ htmlInput: { min: 0, max: MOST_HOPS } }}
      sx={{ width: 130 }}
    />
  );
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1.5, alignItems: "center" }}>
      <Box component="span" sx={{ overflowWrap: "anywhere" }}>
        Around <strong>{shortened(plain(graph.keys[around] ?? ""), 120)}</strong>
      </Box>
      {hops("up", "steps before", up)}
      {hops("down", "steps behind", down)}
      <Button
        variant="text"
        onClick={() => address.change({ around: undefined, up: undefined, down: undefined })}
      >
        {graph.count <= MOST_BOXES ? "Show the whole workflow" : "Leave the neighbourhood"}
      </Button>
    </Box>
  );
}

function TooMany({ graph, progress, address, job }: ViewProps) {
  const failure = firstFailure(graph, progress.letters);
  const around = (place: number, text: string) => (
    <Button variant="outlined" onClick={() => address.change({ around: String(place) })}>
      {text}
    </Button>
  );
  return (
    <Alert severity="info">
      <p style={{ marginTop: 0 }}>
        This workflow has {graph.count.toLocaleString("en")} jobs. A picture of more than {MOST_BOXES} can't
        be read, so this view shows the jobs around one of them. Open a job from the groups or the list, and
        choose “Show what is around it”.
      </p>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1 }}>
        {job === null ? null : around(job, `Around ${shortened(plain(graph.keys[job] ?? ""), 60)}`)}
        {failure === null ? null : around(failure, "Around the first failure")}
        {around(0, "Around the first job")}
        <Button variant="outlined" onClick={() => address.change({ view: "groups" })}>
          Show the groups
        </Button>
      </Box>
    </Alert>
  );
}
