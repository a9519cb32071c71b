import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import useMediaQuery from "@mui/material/useMediaQuery";
import { memo, useMemo } from "react";
import type { Graph } from "../../domain/graph/graph";
import { type Counts, countsOf, failuresOf, type Group } from "../../domain/graph/groups";
import { stateOf } from "../../domain/graph/progress";
import { counted } from "../../domain/numbers";
import { JOB_STATES, type JobState, TERMINAL } from "../../domain/states";
import { plain, shortened } from "../../domain/text";
import { Icon } from "../../shared/icons";
import { StateBar } from "../../shared/StateBar";
import { useStateTone } from "../../shared/StateMark";
import { BoxGraph } from "./BoxGraph";
import { JobsTable, StateChips, statesIn } from "./JobsTable";
import { LevelColumns } from "./LevelColumns";
import type { ViewProps } from "./view";

const WIDTH = 200;
const HEIGHT = 102;
const MOST_TYPES = 2;

function levelsText(group: Group): string {
  const [from, to] = [group.fromLevel + 1, group.toLevel + 1];
  return from === to ? `level ${from}` : `levels ${from} to ${to}`;
}

function typesText(group: Group): string {
  const [first] = group.types;
  if (group.types.length === 1) return first?.[0] ?? "";
  const named = group.types.slice(0, MOST_TYPES).map(([type, count]) => `${type} ${count}`);
  const more = group.types.length - named.length;
  return [...named, ...(more > 0 ? [counted(more, "more type")] : [])].join(", ");
}

/** Returns what a group is called, and what more is known of it: a job that is alone goes by its key. */
function titleOf(group: Group, graph: Graph): readonly [string, string] {
  const [only] = group.jobs;
  const types = plain(typesText(group));
  if (group.jobs.length !== 1 || only === undefined) return [types, levelsText(group)];
  return [plain(graph.keys[only] ?? ""), `${levelsText(group)}, ${types}`];
}

/** Returns how far the jobs of a group are, in words. */
function progressText(group: Group, counts: Counts): string {
  const count = (states: readonly JobState[]) =>
    states.reduce((sum, state) => sum + (counts[state] ?? 0), 0).toLocaleString("en");
  const ended = count(JOB_STATES.filter((state) => TERMINAL.has(state)));
  const running = (counts.RUNNING ?? 0) > 0 ? `, ${count(["RUNNING"])} running` : "";
  return `${ended} of ${group.jobs.length.toLocaleString("en")} ended${running}`;
}

const CUT = { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" } as const;

/** One group: its failures first, then what it is, how far its jobs are, and their states as a bar. */
const GroupContent = memo(function GroupContent({
  group,
  title,
  more,
  counts,
}: {
  group: Group;
  title: string;
  more: string;
  counts: Counts;
}) {
  const tone = useStateTone();
  const failures = failuresOf(counts);
  return (
    <>
      {failures === 0 ? null : (
        <Box
          component="span"
          sx={{ color: tone("FAILED"), fontWeight: 700, display: "flex", alignItems: "center", gap: 0.25 }}
        >
          <Icon name="failed" sx={{ fontSize: "1.1em" }} />
          {failures.toLocaleString("en")} failed
        </Box>
      )}
      <Box component="span" title={title} sx={{ ...CUT, fontWeight: 600 }}>
        {title}
      </Box>
      <Box component="span" title={more} sx={{ ...CUT, color: "text.secondary" }}>
        {more}
      </Box>
      <Box component="span" sx={CUT}>
        {progressText(group, counts)}
      </Box>
      <StateBar counts={counts} />
    </>
  );
});

/** The workflow as groups of jobs that are alike, which stays readable with 10,000 of them. */
export function GroupsView(props: ViewProps) {
  const { graph, grouping, progress, address } = props;
  const narrow = useMediaQuery("(max-width: 700px)");
  const counts = useMemo(() => countsOf(grouping, progress.letters), [grouping, progress.letters]);
  const current = grouping.groups.findIndex((group) => group.id === address.search.group);
  const open = (place: number) => {
    const id = grouping.groups[place]?.id;
    address.change({ group: id === address.search.group ? undefined : id, state: undefined });
  };
  const label = `${counted(grouping.groups.length, "group")} of jobs by ${grouping.by}`;
  const content = (place: number) => {
    const group = grouping.groups[place];
    if (group === undefined) return null;
    const [title, more] = titleOf(group, graph);
    return <GroupContent group={group} title={title} more={more} counts={counts[place] ?? {}} />;
  };
  const opened = grouping.groups[current];
  return (
    <>
      {narrow ? (
        <Box
          component="ol"
          aria-label={label}
          sx={{ m: 0, p: 0, listStyle: "none", display: "flex", flexDirection: "column", gap: 1 }}
        >
          {grouping.groups.map((group, place) => (
            <li key={group.id}>
              <Button
                variant="outlined"
                color="inherit"
                aria-current={place === current ? "true" : undefined}
                onClick={() => open(place)}
                sx={{
                  width: "100%",
                  display: "flex",
                  flexDirection: "column",
                  alignItems: "stretch",
                  textAlign: "left",
                }}
              >
                {content(place)}
              </Button>
            </li>
          ))}
        </Box>
      ) : grouping.by === "level" ? (
        <LevelColumns
          label={label}
          graph={graph}
          grouping={grouping}
          letters={progress.letters}
          counts={counts}
          current={current}
          onOpen={open}
        />
      ) : (
        <BoxGraph
          label={label}
          dag={grouping.dag}
          edges={grouping.edges}
          width={WIDTH}
          height={HEIGHT}
          current={current < 0 ? null : current}
          keyOf={(place) => grouping.groups[place]?.id ?? String(place)}
          box={content}
          onOpen={open}
        />
      )}
      {opened === undefined ? null : <Opened {...props} group={opened} counts={counts[current] ?? {}} />}
    </>
  );
}

function Opened(props: ViewProps & { group: Group; counts: Counts }) {
  const { group, counts, progress, address } = props;
  const named = address.search.state;
  const jobs = useMemo(() => {
    const wanted = statesIn(named);
    if (wanted.length === 0) return group.jobs;
    return group.jobs.filter((job) => wanted.includes(stateOf(progress.letters, job)));
  }, [group, named, progress.letters]);
  return (
    <Box component="section" sx={{ display: "flex", flexDirection: "column", gap: 1 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
        <Typography component="h2" variant="h2" sx={{ overflowWrap: "anywhere" }}>
          {plain(shortened(group.label, 120))}
        </Typography>
        <Button variant="text" onClick={() => address.change({ group: undefined, state: undefined })}>
          Close the group
        </Button>
      </Box>
      <StateChips counts={counts} address={address} />
      <JobsTable {...props} label={`jobs of ${plain(group.label)}`} jobs={jobs} height="max(240px, 40dvh)" />
    </Box>
  );
}
