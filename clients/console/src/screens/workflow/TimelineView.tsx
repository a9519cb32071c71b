import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { at } from "../../domain/graph/dag";
import type { Graph } from "../../domain/graph/graph";
import type { Group } from "../../domain/graph/groups";
import { stateOf } from "../../domain/graph/progress";
import {
  type Axis,
  axisOf,
  type Bar,
  type Lane,
  laneOf,
  lanesOf,
  type Ran,
  ticksOf,
} from "../../domain/graph/timeline";
import { plain, shortened } from "../../domain/text";
import { durationText, timeText, zoneName } from "../../domain/times";
import { Empty, ErrorNotice, Loading } from "../../shared/Notices";
import { useNow } from "../../shared/now";
import { StateMark } from "../../shared/StateMark";
import { useSettings } from "../../shared/settings";
import { Time } from "../../shared/Time";
import { type Column, VirtualTable } from "../../shared/VirtualTable";
import { LaneCanvas } from "./LaneCanvas";
import { ReadAgo } from "./ReadAgo";
import { type JobRow, TIMES_PAGE, useTimes } from "./reads";
import { useWidth } from "./useWidth";
import { jobIn, type ViewProps } from "./view";

type TimedRow = Pick<JobRow, "job_id" | "state" | "started_at" | "finished_at">;

/**
 * Returns when jobs ran, as it was read at `readMs`. A job that waits for another attempt still has the start of the
 * last one, and no end, so it is left out. A job that has ended since then ran at least until then.
 */
function ranOf(graph: Graph, rows: readonly TimedRow[], letters: string, readMs: number): readonly Ran[] {
  return rows.flatMap((row) => {
    const job = jobIn(graph, row.job_id);
    if (job === null || row.started_at === null) return [];
    const startedMs = Date.parse(row.started_at);
    if (row.finished_at !== null) return [{ job, startedMs, endedMs: Date.parse(row.finished_at) }];
    if (row.state !== "RUNNING") return [];
    return [{ job, startedMs, endedMs: stateOf(letters, job) === "RUNNING" ? null : readMs }];
  });
}

/** Returns the only type of the group that is open, so that its jobs alone are read. */
function typeOf(group: Group | undefined): string | undefined {
  return group?.types.length === 1 ? group.types[0]?.[0] : undefined;
}

function countOf(graph: Graph, type: string | undefined): number {
  if (type === undefined) return graph.count;
  const place = graph.types.indexOf(type);
  return graph.typeOf.filter((each) => each === place).length;
}

/** When jobs ran, in lanes by group, and when the others would run by their estimates. */
export function TimelineView(props: ViewProps) {
  const { graph, grouping, progress, address } = props;
  const nowMs = useNow();
  const place = grouping.groups.findIndex((group) => group.id === address.search.group);
  const type = typeOf(grouping.groups[place]);
  const times = useTimes(graph.workflowId, progress.state, type);
  const rows = useMemo(() => times.data?.pages.flatMap((page) => page.jobs) ?? [], [times.data]);
  const readMs = times.dataUpdatedAt || nowMs; // 0 until the answer to a changed question comes
  const all = useMemo(
    () => lanesOf(graph, grouping, progress.letters, ranOf(graph, rows, progress.letters, readMs), nowMs),
    [rows, readMs, nowMs, graph, grouping, progress.letters],
  );
  const lanes = place < 0 ? all : all.filter((lane) => lane.group === place);
  const ofType = type === undefined ? "" : ` of type ${plain(type)}`;
  if (times.data === undefined) {
    return times.error === null ? (
      <Loading />
    ) : (
      <ErrorNotice error={times.error} onRetry={() => void times.refetch()} />
    );
  }
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1.5, alignItems: "center" }}>
        <Typography component="p" variant="body2">
          {times.hasNextPage
            ? `Drawn from the first ${rows.length.toLocaleString("en")} of ${countOf(graph, type).toLocaleString("en")} jobs${ofType} in the order of their submission.`
            : `Drawn from all ${rows.length.toLocaleString("en")} jobs${ofType}.`}
        </Typography>
        <Further times={times} />
        <Button variant="outlined" disabled={times.isFetching} onClick={() => void times.refetch()}>
          Read again
        </Button>
        {place < 0 ? null : (
          <Button variant="text" onClick={() => address.change({ group: undefined })}>
            Show all groups
          </Button>
        )}
        <ReadAgo atMs={times.dataUpdatedAt} />
      </Box>
      {times.error === null ? null : <ErrorNotice error={times.error} />}
      {lanes.length === 0 ? (
        <Empty title="None of these jobs has started, and none has an estimate" />
      ) : (
        <Lanes {...props} lanes={lanes} nowMs={nowMs} />
      )}
    </>
  );
}

/** Reads further jobs: a page, or one page after the other until all are read, one fails or someone stops it. */
function Further({ times }: { times: ReturnType<typeof useTimes> }) {
  const [readsAll, setReadsAll] = useState(false);
  const { hasNextPage, isFetching, isError, fetchNextPage } = times;
  const goesOn = readsAll && hasNextPage && !isError;
  const pages = times.data?.pages.length ?? 0;
  // A quick answer comes before React has drawn `isFetching`, so the number of pages tells that there is a new one.
  useEffect(() => {
    if (goesOn && !isFetching && pages > 0) void fetchNextPage();
  }, [goesOn, isFetching, pages, fetchNextPage]);
  if (!hasNextPage) return null;
  if (goesOn) {
    return (
      <Button variant="outlined" onClick={() => setReadsAll(false)}>
        Stop
      </Button>
    );
  }
  return (
    <>
      <Button variant="outlined" disabled={isFetching} onClick={() => void fetchNextPage()}>
        Read {TIMES_PAGE} more
      </Button>
      <Button variant="outlined" disabled={isFetching} onClick={() => setReadsAll(true)}>
        Read all
      </Button>
    </>
  );
}

const LABEL_WIDTH = { xs: 120, md: 180 };
/** What the frame has beside the axis: the labels, and room for the text of the last mark. */
const BESIDE_AXIS = 270;
const LEAST_AXIS = 600;
const PATH_ROW = 26;
/** In a lane of the critical path alone, frames would tell nothing. */
const NONE: ReadonlySet<number> = new Set();

function Lanes(props: ViewProps & { lanes: readonly Lane[]; nowMs: number }) {
  const { graph, grouping, lanes, nowMs, job, select } = props;
  const [wide, setWide] = useState<ReadonlySet<number>>(new Set());
  const frame = useRef<HTMLDivElement>(null);
  const width = Math.max(LEAST_AXIS, useWidth(frame) - BESIDE_AXIS);
  const axis = useMemo(
    () =>
      axisOf(
        lanes.flatMap((lane) => lane.bars),
        width,
      ),
    [lanes, width],
  );
  const critical = useMemo(() => new Set(graph.criticalPath), [graph]);
  const path = useMemo(() => laneOf(lanes, critical), [lanes, critical]);
  const keyOf = (bar: Bar) => shortened(plain(graph.keys[bar.job] ?? ""), 60);
  const drawn = {
    axis,
    width,
    nowMs,
    critical,
    selected: job,
    nameOf: (bar: Bar) => nameOf(bar, props),
    onOpen: select,
  };
  const toggle = (group: number) => {
    const next = new Set(wide);
    if (!next.delete(group)) next.add(group);
    setWide(next);
  };
  return (
    <>
      <Box
        ref={frame}
        component="section"
        aria-label="timeline"
        tabIndex={0}
        sx={{
          overflow: "auto",
          border: 1,
          borderColor: "divider",
          borderRadius: 1,
          bgcolor: "background.paper",
        }}
      >
        <Box sx={{ width: "max-content", pr: 12, pb: 1 }}>
          <AxisMarks axis={axis} width={width} />
          {path === null ? null : (
            <LaneRow label="Critical path" below="by estimates">
              <LaneCanvas
                {...drawn}
                name="critical path"
                lane={path}
                wide={false}
                mostRow={PATH_ROW}
                critical={NONE}
                textOf={keyOf}
              />
            </LaneRow>
          )}
          {lanes.map((lane) => {
            const group = grouping.groups[lane.group];
            const name = plain(group?.label ?? "");
            const count = lane.bars.filter((bar) => !bar.ghost).length.toLocaleString("en");
            return (
              <LaneRow
                key={group?.id ?? lane.group}
                label={
                  <Button
                    variant="text"
                    aria-expanded={wide.has(lane.group)}
                    onClick={() => toggle(lane.group)}
                    sx={{ textAlign: "left", overflowWrap: "anywhere", p: 0 }}
                  >
                    {name}
                  </Button>
                }
                below={`${count} of ${group?.jobs.length.toLocaleString("en")} drawn`}
              >
                <LaneCanvas
                  {...drawn}
                  name={name}
                  lane={lane}
                  wide={wide.has(lane.group)}
                  {...(wide.has(lane.group) ? { textOf: keyOf } : {})}
                />
              </LaneRow>
            );
          })}
        </Box>
      </Box>
      <Legend
        ghosts={lanes.some((lane) => lane.bars.some((bar) => bar.ghost))}
        critical={path !== null}
        now={nowMs >= axis.fromMs && nowMs <= axis.toMs}
        gaps={axis.gaps.length}
      />
      <BarsTable {...props} />
    </>
  );
}

const MARKS_APART = 130;
const MARKS_FROM = { xs: "120px", md: "180px" };

/** One lane: its label, which stays in sight while the times are scrolled, and its picture. */
function LaneRow({ label, below, children }: { label: ReactNode; below: string; children: ReactNode }) {
  return (
    <Box sx={{ display: "flex", borderTop: 1, borderColor: "divider", py: 0.5 }}>
      <Box
        sx={{
          width: LABEL_WIDTH,
          flexShrink: 0,
          px: 1,
          position: "sticky",
          left: 0,
          bgcolor: "background.paper",
          fontSize: "0.8rem",
        }}
      >
        {label}
        <Box sx={{ fontSize: "0.75rem", color: "text.secondary" }}>{below}</Box>
      </Box>
      {children}
    </Box>
  );
}

const SAMPLE = { display: "inline-block", width: 22, height: 12, verticalAlign: "middle", mr: 0.75 } as const;
const HATCHED = "repeating-linear-gradient(105deg, transparent 0 5px, currentColor 5px 6px)";

/** What the edges and lines that are in the picture mean. */
function Legend(shown: { ghosts: boolean; critical: boolean; now: boolean; gaps: number }) {
  const times = `${shown.gaps.toLocaleString("en")} ${shown.gaps === 1 ? "time" : "times"}`;
  const all = [
    [shown.ghosts, "an estimate of what is to come", { border: "1px dashed", bgcolor: "action.hover" }],
    [
      shown.critical,
      "on the critical path by estimates",
      { border: "2px solid", borderColor: "text.primary" },
    ],
    [shown.now, "now", { width: 2, bgcolor: "text.primary" }],
    [shown.gaps > 0, `no job ran: ${times}, cut short`, { background: HATCHED }],
  ] as const;
  const samples = all.filter(([there]) => there);
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", columnGap: 2.5, rowGap: 0.5, color: "text.secondary" }}>
      {samples.map(([, text, look]) => (
        <Typography key={text} component="span" variant="body2">
          <Box component="span" aria-hidden="true" sx={{ ...SAMPLE, ...look }} />
          {text}
        </Typography>
      ))}
    </Box>
  );
}

/** Round times above the lanes. The day stands at the first one, and where it changes. */
function AxisMarks({ axis, width }: { axis: Axis; width: number }) {
  const { zone } = useSettings();
  let day = "";
  return (
    <Box sx={{ position: "relative", ml: MARKS_FROM, mt: 1, height: 40, fontSize: "0.75rem" }}>
      <Box component="span" sx={{ position: "absolute", top: 0, color: "text.secondary" }}>
        times in {zoneName(zone)}
      </Box>
      {ticksOf(axis, width, MARKS_APART).map((ms) => {
        const text = timeText(new Date(ms).toISOString(), zone);
        const shown = text.startsWith(day) && day !== "" ? text.slice(11) : text;
        day = text.slice(0, 10);
        return (
          <Box
            key={ms}
            component="span"
            style={{ left: axis.x(ms) }}
            sx={{
              position: "absolute",
              top: 20,
              pl: 0.5,
              borderLeft: 1,
              borderColor: "divider",
              whiteSpace: "nowrap",
            }}
          >
            {shown}
          </Box>
        );
      })}
    </Box>
  );
}

function nameOf(bar: Bar, { graph }: ViewProps): string {
  const what = bar.ghost ? "estimated at" : "ran for";
  return `${plain(graph.keys[bar.job] ?? "")}, ${bar.state}, ${what} ${durationText((bar.toMs - bar.fromMs) / 1_000)}`;
}

interface BarRow extends Bar {
  readonly key: string;
  readonly group: string;
}

const BAR_COLUMNS: readonly Column<BarRow>[] = [
  { id: "state", title: "State", width: "150px", cell: (row) => <StateMark state={row.state} /> },
  { id: "key", title: "Key", width: "minmax(150px, 2fr)", cell: (row) => plain(row.key) },
  { id: "group", title: "Group", width: "minmax(130px, 1fr)", cell: (row) => plain(row.group) },
  {
    id: "from",
    title: "From",
    width: "230px",
    cell: (row) => <Time at={new Date(row.fromMs).toISOString()} relative={false} />,
  },
  {
    id: "took",
    title: "Took",
    width: "110px",
    align: "right",
    cell: (row) => durationText((row.toMs - row.fromMs) / 1_000),
  },
  { id: "kind", title: "Known by", width: "100px", cell: (row) => (row.ghost ? "estimated" : "measured") },
];

/** The same bars as rows, for those who do not see the picture. */
function BarsTable({ graph, grouping, lanes, job, select }: ViewProps & { lanes: readonly Lane[] }) {
  const rows = useMemo(
    () =>
      lanes
        .flatMap((lane) => lane.bars)
        .sort((one, other) => one.fromMs - other.fromMs)
        .map((bar) => ({
          ...bar,
          key: graph.keys[bar.job] ?? "",
          group: grouping.groups[at(grouping.groupOf, bar.job)]?.label ?? "",
        })),
    [lanes, graph, grouping],
  );
  return (
    <VirtualTable
      label="the bars of the timeline, earliest first"
      rows={rows}
      columns={BAR_COLUMNS}
      rowId={(row) => `${row.job} ${row.ghost}`}
      current={job === null ? null : `${job} false`}
      onOpen={(row) => select(row.job)}
      height="max(240px, 35dvh)"
    />
  );
}
