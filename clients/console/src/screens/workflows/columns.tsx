import type { components } from "../../api/schema";
import { etaOf, etaText } from "../../domain/eta";
import { aheadText, boundsText } from "../../domain/forecast";
import { plain } from "../../domain/text";
import { durationText, secondsBetween, timeText, zoneName } from "../../domain/times";
import { useNow } from "../../shared/now";
import { StateBar } from "../../shared/StateBar";
import { StateMark } from "../../shared/StateMark";
import { useSettings } from "../../shared/settings";
import { TextLink } from "../../shared/TextLink";
import { Ago } from "../../shared/Time";
import { FinishByCell } from "../../shared/Verdict";
import type { Column } from "../../shared/VirtualTable";

export type WorkflowRow = components["schemas"]["WorkflowRowOut"];

function Elapsed({ row }: { row: WorkflowRow }) {
  const nowMs = useNow();
  const seconds = secondsBetween(row.started_at, row.ended_at ?? new Date(nowMs).toISOString());
  return <span>{seconds === null ? "-" : durationText(seconds)}</span>;
}

function Left({ row }: { row: WorkflowRow }) {
  const eta = etaOf(row, useNow());
  return eta === null ? <span>-</span> : <span title={eta.by}>{etaText(eta)}</span>;
}

function Name({ row }: { row: WorkflowRow }) {
  return (
    <TextLink
      to="/workflows/$workflowId"
      params={{ workflowId: row.workflow_id }}
      title={plain(row.name ?? row.workflow_id)}
    >
      {plain(row.name ?? row.workflow_id)}
    </TextLink>
  );
}

function failedText(row: WorkflowRow): string {
  const failed = (row.counts.FAILED ?? 0) + (row.counts.TIMED_OUT ?? 0);
  return failed === 0 ? "-" : failed.toLocaleString("en");
}

const COLUMNS: readonly Column<WorkflowRow>[] = [
  { id: "state", title: "State", width: "150px", cell: (row) => <StateMark state={row.state} /> },
  { id: "name", title: "Name", width: "minmax(160px, 2fr)", cell: (row) => <Name row={row} /> },
  { id: "bar", title: "Jobs by state", width: "160px", cell: (row) => <StateBar counts={row.counts} /> },
  {
    id: "jobs",
    title: "Jobs",
    width: "80px",
    align: "right",
    cell: (row) => row.job_count.toLocaleString("en"),
  },
  { id: "failed", title: "Failed", width: "80px", align: "right", cell: failedText },
  { id: "started", title: "Started", width: "160px", cell: (row) => <Ago at={row.started_at} /> },
  { id: "elapsed", title: "Elapsed", width: "124px", cell: (row) => <Elapsed row={row} /> },
  { id: "left", title: "Time left", width: "110px", cell: (row) => <Left row={row} /> },
  {
    id: "critical",
    title: "Critical path",
    width: "120px",
    cell: (row) => (row.critical_path_seconds === null ? "-" : durationText(row.critical_path_seconds)),
  },
  { id: "submitted", title: "Submitted", width: "160px", cell: (row) => <Ago at={row.created_at} /> },
  {
    id: "by",
    title: "Submitted by",
    width: "minmax(140px, 1fr)",
    cell: (row) => <span title={plain(row.submitted_by ?? "-")}>{plain(row.submitted_by ?? "-")}</span>,
  },
];

/** When workflows end, by their ids. A workflow without an entry was not forecast. */
export type Ends = ReadonlyMap<string, NonNullable<WorkflowRow["forecast"]>>;

/** Returns the forecast ends of the rows of a page. */
export function endsOf(rows: readonly WorkflowRow[]): Ends {
  return new Map(rows.flatMap((row) => (row.forecast === null ? [] : [[row.workflow_id, row.forecast]])));
}

function End({ row, ends }: { row: WorkflowRow; ends: Ends }) {
  const nowMs = useNow();
  const { zone } = useSettings();
  const forecast = ends.get(row.workflow_id);
  // It may have ended since it was forecast.
  if (forecast === undefined || row.ended_at !== null) return <span>-</span>;
  if (forecast.end === null) return <span>not as things stand</span>;
  const bounds = boundsText(forecast.end, zone);
  const at = `${timeText(forecast.end.median, zone)} ${zoneName(zone)}`;
  const title = bounds === null ? at : `${at}, in most cases between ${bounds}`;
  return (
    <time dateTime={forecast.end.median} title={title}>
      {aheadText(forecast.end.median, nowMs)}
    </time>
  );
}

/** What a phone has room for; the others are on the screen of the workflow. */
const NARROW: readonly Column<WorkflowRow>[] = COLUMNS.flatMap((column) => {
  if (column.id === "state") return [{ ...column, width: "124px" }];
  if (column.id === "name") return [{ ...column, width: "minmax(90px, 1fr)" }];
  return column.id === "failed" ? [{ ...column, width: "76px" }] : [];
});

const FINISH_BY: Column<WorkflowRow> = {
  id: "finish-by",
  title: "Finish by",
  width: "150px",
  cell: (row) => <FinishByCell row={row} />,
};

const TIMED = COLUMNS.flatMap((column) => (column.id === "bar" ? [FINISH_BY, column] : [column]));

/**
 * Returns the columns of the list: with times to finish by where some row has one, and with the forecast ends unless
 * they are null. A phone has room for few.
 */
export function columnsOf(
  rows: readonly WorkflowRow[],
  narrow: boolean,
  ends: Ends | null,
): readonly Column<WorkflowRow>[] {
  const timed = !narrow && rows.some((row) => row.finish_by !== null);
  const columns = narrow ? NARROW : timed ? TIMED : COLUMNS;
  if (ends === null) return columns;
  const kept = narrow ? columns.filter(({ id }) => id !== "failed") : columns;
  const cell = (row: WorkflowRow) => <End row={row} ends={ends} />;
  return [...kept, { id: "ends", title: "Ends about", width: "150px", cell }];
}
