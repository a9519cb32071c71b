import Box from "@mui/material/Box";
import Chip from "@mui/material/Chip";
import { type ReactNode, useMemo } from "react";
import { at } from "../../domain/graph/dag";
import { typeName } from "../../domain/graph/graph";
import { stateOf } from "../../domain/graph/progress";
import { JOB_STATES, type JobState } from "../../domain/states";
import { plain } from "../../domain/text";
import { durationText } from "../../domain/times";
import { StateMark } from "../../shared/StateMark";
import { type Column, VirtualTable } from "../../shared/VirtualTable";
import type { ViewProps } from "./view";

interface Row {
  readonly job: number;
  readonly state: JobState;
  readonly key: string;
  readonly type: string;
  readonly level: number;
  readonly estimate: number | null;
}

const COLUMNS: readonly Column<Row>[] = [
  { id: "state", title: "State", width: "150px", cell: (row) => <StateMark state={row.state} /> },
  {
    id: "key",
    title: "Key",
    width: "minmax(150px, 2fr)",
    cell: (row) => <span title={plain(row.key)}>{plain(row.key)}</span>,
  },
  { id: "type", title: "Type", width: "minmax(120px, 1fr)", cell: (row) => plain(row.type) },
  { id: "level", title: "Level", width: "70px", align: "right", cell: (row) => row.level + 1 },
  {
    id: "estimate",
    title: "Estimate",
    width: "100px",
    align: "right",
    cell: (row) => (row.estimate === null ? "-" : durationText(row.estimate)),
  },
];

/** Returns the states that an address names, of those that a job can have. */
export function statesIn(text: string | undefined): readonly JobState[] {
  const named = (text ?? "").split(",");
  return JOB_STATES.filter((state) => named.includes(state));
}

/** The states of some jobs as chips with their counts; pressing one keeps the jobs in that state. */
export function StateChips({
  counts,
  address,
  sample,
}: {
  counts: Readonly<Partial<Record<string, number>>>;
  address: ViewProps["address"];
  /** Makes what stands for a state in the picture that the chips belong to. */
  sample?: (state: JobState) => ReactNode;
}) {
  const chosen = statesIn(address.search.state);
  const toggle = (state: JobState) =>
    address.change({
      state: JOB_STATES.filter((each) => (each === state) !== chosen.includes(each)).join(","),
    });
  const shown = JOB_STATES.filter((state) => (counts[state] ?? 0) > 0 || chosen.includes(state));
  return (
    <Box role="group" aria-label="states" sx={{ display: "flex", flexWrap: "wrap", gap: 1 }}>
      {shown.map((state) => (
        <Chip
          key={state}
          label={
            <Box component="span" sx={{ display: "flex", alignItems: "center", gap: 0.75 }}>
              {sample?.(state)}
              <StateMark state={state} count={counts[state] ?? 0} />
            </Box>
          }
          variant={chosen.includes(state) ? "filled" : "outlined"}
          aria-pressed={chosen.includes(state)}
          onClick={() => toggle(state)}
        />
      ))}
    </Box>
  );
}

/** Jobs of the workflow from its graph and its states alone, so that 10,000 of them need no request. */
export function JobsTable({
  label,
  jobs,
  graph,
  progress,
  job,
  select,
  height,
}: Pick<ViewProps, "graph" | "progress" | "job" | "select"> & {
  label: string;
  jobs: readonly number[];
  height: string;
}) {
  const rows = useMemo(
    () =>
      jobs.map((each) => ({
        job: each,
        state: stateOf(progress.letters, each),
        key: graph.keys[each] ?? "",
        type: typeName(graph, each),
        level: at(graph.levels, each),
        estimate: graph.estimates[each] ?? null,
      })),
    [jobs, graph, progress.letters],
  );
  return (
    <VirtualTable
      label={label}
      rows={rows}
      columns={COLUMNS}
      rowId={(row) => String(row.job)}
      current={job === null ? null : String(job)}
      onOpen={(row) => select(row.job)}
      height={height}
    />
  );
}
