import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import useMediaQuery from "@mui/material/useMediaQuery";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { listCommand } from "../../domain/commands";
import { addressOf, chipsOf, filtersOf, type JobFilters } from "../../domain/jobFilters";
import { timesOf } from "../../domain/jobHistory";
import { counted } from "../../domain/numbers";
import { plain, shortened } from "../../domain/text";
import { durationText } from "../../domain/times";
import { CopyButton } from "../../shared/CopyButton";
import { Freshness } from "../../shared/Freshness";
import { JobLink } from "../../shared/JobLink";
import { Command, Empty, ErrorNotice, Loading } from "../../shared/Notices";
import { useNow } from "../../shared/now";
import { Page } from "../../shared/Page";
import { StateMark } from "../../shared/StateMark";
import { Ago } from "../../shared/Time";
import { FinishByCell } from "../../shared/Verdict";
import { type Column, forgetPlace, VirtualTable } from "../../shared/VirtualTable";
import { BulkBar } from "./BulkBar";
import { FilterBar } from "./FilterBar";
import { JobPanel } from "./JobPanel";
import { type JobList, type JobRow, useJobList } from "./useJobList";
import { Views } from "./Views";

const NONE: ReadonlySet<string> = new Set();
const FILLING = { position: "absolute", inset: 0 };

/** The list of jobs: filters in the address, rows that keep their places, one job beside them, acts on many. */
export function JobsScreen() {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const address = JSON.stringify(addressOf(filtersOf(search)));
  // biome-ignore lint/correctness/useExhaustiveDependencies: equal filters stay the same object
  const filters = useMemo(() => filtersOf(search), [address]);
  const panel = search.job;
  const list = useJobList(filters);
  const [selection, setSelection] = useState<{ address: string; ids: ReadonlySet<string> }>({
    address,
    ids: NONE,
  });
  // Another filter shows other jobs, so what was selected before is none of them.
  const ids = selection.address === address ? selection.ids : NONE;
  const selected = useMemo(() => list.rows.filter((job) => ids.has(job.job_id)), [list.rows, ids]);

  const change = (changed: JobFilters) => void navigate({ to: "/jobs", search: addressOf(changed) });
  const open = (job: JobRow) =>
    void navigate({
      to: "/jobs",
      search: { ...addressOf(filters), job: job.job_id },
      replace: panel !== undefined,
      resetScroll: false,
    });
  const close = useCallback(
    () => void navigate({ to: "/jobs", search: JSON.parse(address), resetScroll: false }),
    [navigate, address],
  );
  return (
    <Page title="Jobs" aside={<Freshness query={list.freshness} />}>
      <Views filters={filters} />
      <FilterBar filters={filters} onChange={change} />
      <BulkBar filters={filters} selected={selected} onClear={() => setSelection({ address, ids: NONE })} />
      <Box
        sx={{
          display: "flex",
          gap: 2,
          flex: "1 0 0px",
          minHeight: 400,
        }}
      >
        <Box
          sx={{
            flex: "1 1 0px",
            minWidth: 0,
            display: "flex",
            flexDirection: "column",
            gap: 1,
          }}
        >
          <Rows
            list={list}
            filters={filters}
            address={address}
            current={panel ?? null}
            selected={ids}
            onSelect={(changed) => setSelection({ address, ids: changed })}
            onOpen={open}
          />
        </Box>
        {panel === undefined ? null : (
          <JobPanel
            key={panel}
            jobId={panel}
            row={list.rows.find((job) => job.job_id === panel)}
            onClose={close}
          />
        )}
      </Box>
    </Page>
  );
}

interface RowsProps {
  readonly list: JobList;
  readonly filters: JobFilters;
  readonly address: string;
  readonly current: string | null;
  readonly selected: ReadonlySet<string>;
  readonly onSelect: (ids: ReadonlySet<string>) => void;
  readonly onOpen: (job: JobRow) => void;
}

function Rows({ list, filters, address, current, selected, onSelect, onOpen }: RowsProps) {
  const narrow = useMediaQuery("(max-width: 700px)");
  const [walk, setWalk] = useState(0);
  const placeName = `jobs ${address}`;
  if (list.isPending) return <Loading lines={12} />;
  const failed = list.error === null ? null : <ErrorNotice error={list.error} onRetry={list.retry} />;
  if (list.rows.length === 0 && failed !== null) return failed;
  const showChanged = async () => {
    await list.showChanged();
    forgetPlace(placeName);
    setWalk(walk + 1);
  };
  return (
    <>
      {failed}
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, minHeight: 36 }}>
        <Typography role="status" variant="body2" color="text.secondary">
          {extentOf(list)}
        </Typography>
        {list.atEnd ? null : (
          <Button variant="text" disabled={list.isReading} onClick={list.readOn}>
            {list.rows.length === 0 ? "Look further" : "Read more"}
          </Button>
        )}
        <Changed changed={list.changed} onShow={() => void showChanged()} />
        <Box sx={{ ml: "auto" }}>
          <CopyButton label="Copy as CLI" text={listCommand(filters, list.query?.from)} />
        </Box>
      </Box>
      {list.rows.length === 0 ? (
        <NoRows filtered={chipsOf(filters).length + filters.states.length > 0} atEnd={list.atEnd} />
      ) : (
        // Only a box with a size of its own keeps the table from growing with its rows.
        <Box sx={{ flex: "1 0 0px", minHeight: 320, position: "relative", "& > [role=grid]": FILLING }}>
          <VirtualTable
            key={`${address} ${walk}`}
            label="jobs"
            rows={list.rows}
            columns={columnsOf(list.rows, narrow, current)}
            rowId={(job) => job.job_id}
            current={current}
            selected={selected}
            onSelect={onSelect}
            onOpen={onOpen}
            onNearEnd={list.readOn}
            placeName={placeName}
          />
        </Box>
      )}
    </>
  );
}

function extentOf(list: JobList): string {
  const shown = counted(list.rows.length, "job");
  if (list.atEnd) return `${shown}, that is all`;
  return `first ${shown}, looked at ${list.lookedAt.toLocaleString("en")}; there are more`;
}

function Changed({ changed, onShow }: { changed: JobList["changed"]; onShow: () => void }) {
  const parts = [
    ...(changed.fresh > 0 ? [`${changed.fresh} new`] : []),
    ...(changed.gone > 0 ? [`${changed.gone} moved on`] : []),
  ];
  return (
    <span role="status">
      {parts.length === 0 ? null : (
        <Button variant="contained" onClick={onShow} sx={{ borderRadius: 4 }}>
          {parts.join(", ")}: show
        </Button>
      )}
    </span>
  );
}

function NoRows({ filtered, atEnd }: { filtered: boolean; atEnd: boolean }) {
  if (!atEnd) return <Empty title="None so far">The jobs that were looked at do not fit the filters.</Empty>;
  return filtered ? (
    <Empty title="No job fits these filters">Remove one of them to see more.</Empty>
  ) : (
    <Empty title="There are no jobs yet">
      <Command text="tidegate submit examples/workflow.json" />
    </Empty>
  );
}

/** How long a job waited or ran; the time of one that still does so grows. */
function Lasted({ job, what }: { job: JobRow; what: "waited" | "ran" }) {
  const seconds = timesOf(job, useNow())[what];
  return <>{seconds === null ? "-" : durationText(seconds)}</>;
}

const STATE: Column<JobRow> = {
  id: "state",
  title: "state",
  width: "196px",
  cell: (job) => (
    <Box sx={{ display: "flex", gap: 0.5 }}>
      <StateMark state={job.state} />
      {job.on_hold ? "on hold" : null}
    </Box>
  ),
};
const JOB: Column<JobRow> = {
  id: "job",
  title: "key or name",
  width: "minmax(160px, 2fr)",
  cell: (job) => <JobLink job={job} />,
};
const TYPE: Column<JobRow> = {
  id: "type",
  title: "type",
  width: "minmax(130px, 1.4fr)",
  cell: (job) => <span title={plain(job.type)}>{shortened(plain(job.type), 64)}</span>,
};
const RAN: Column<JobRow> = {
  id: "ran",
  title: "ran",
  width: "104px",
  align: "right",
  cell: (job) => <Lasted job={job} what="ran" />,
};
/** The columns beside an open job, which has the others. */
const BESIDE: readonly Column<JobRow>[] = [STATE, JOB, TYPE, RAN];
const NARROW: readonly Column<JobRow>[] = [
  { ...STATE, width: "140px" },
  { ...JOB, width: "minmax(110px, 1fr)" },
];
const FINISH_BY: Column<JobRow> = {
  id: "finish-by",
  title: "finish by",
  width: "150px",
  cell: (job) => <FinishByCell row={job} />,
};
const COLUMNS: readonly Column<JobRow>[] = [
  STATE,
  JOB,
  TYPE,
  { id: "pool", title: "pool", width: "minmax(80px, 0.6fr)", cell: (job) => plain(job.pool) },
  { id: "priority", title: "priority", width: "84px", align: "right", cell: (job) => job.priority },
  {
    id: "waited",
    title: "waited",
    width: "104px",
    align: "right",
    cell: (job) => <Lasted job={job} what="waited" />,
  },
  RAN,
  { id: "attempt", title: "attempt", width: "84px", align: "right", cell: (job) => job.attempt },
  { id: "submitted", title: "submitted", width: "144px", cell: (job) => <Ago at={job.created_at} /> },
  {
    id: "by",
    title: "by",
    width: "minmax(100px, 0.8fr)",
    cell: (job) => plain(job.submitted_by?.split("/").at(-1) ?? "-"),
  },
];

/** Returns the columns that there is room for; times to finish by have one where some job has such a time. */
function columnsOf(
  rows: readonly JobRow[],
  narrow: boolean,
  current: string | null,
): readonly Column<JobRow>[] {
  if (narrow) return NARROW;
  if (current !== null) return BESIDE;
  if (rows.every((job) => job.finish_by === null)) return COLUMNS;
  const [state, ...others] = COLUMNS;
  return state === undefined ? COLUMNS : [state, FINISH_BY, ...others];
}
