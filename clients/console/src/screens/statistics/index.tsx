import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { commandOf } from "../../domain/commands";
import { counted } from "../../domain/numbers";
import {
  type Asked,
  askedOf,
  canTell,
  csvOf,
  figureText,
  inOrder,
  KINDS,
  RANGES,
  SHOWN,
  stepsFor,
  usualStep,
} from "../../domain/statistics";
import { type Row, STEPS_MS, slotsOf } from "../../domain/steps";
import { plain } from "../../domain/text";
import { ChoiceField } from "../../shared/ChoiceField";
import { TextFilter } from "../../shared/FilterField";
import { Freshness } from "../../shared/Freshness";
import { useLastAnswer } from "../../shared/lastAnswer";
import { Command, Empty, Loading, ReadNotice } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { usePoolNames } from "../../shared/reads";
import { useSettings } from "../../shared/settings";
import { type Statistics, useStatistics } from "../../shared/statistics";
import { TextLink } from "../../shared/TextLink";
import { Time } from "../../shared/Time";
import { tableHeight } from "../../shared/tableHeight";
import { useAddress } from "../../shared/useAddress";
import { type Column, VirtualTable } from "../../shared/VirtualTable";
import { KIND_WORDS, Plots, stepText } from "./Plots";

type Change = ReturnType<typeof useAddress>["change"];

/** How many jobs ended, how they ended, and how long they waited and ran: over time, and by what they belong to. */
export function StatisticsScreen() {
  const { search, change } = useAddress();
  const asked = askedOf(search);
  const isTold = canTell(asked);
  const over = useStatistics(asked, asked.step);
  const { data } = over;
  const isOverTime = asked.kind === "step";
  const byKind = useStatistics(asked, asked.kind === "step" ? asked.step : asked.kind, {
    until: data?.total.until ?? null,
    enabled: isTold && !isOverTime && data !== undefined && data.total.ended > 0 && !over.isPlaceholderData,
  });
  const { range, step, pool, type, kind } = asked;
  const ofKind = useLastAnswer(byKind, JSON.stringify([range, step, pool, type, kind]));
  const rows = isOverTime ? data : ofKind;
  const isStale = isOverTime ? over.isPlaceholderData : byKind.isPlaceholderData || byKind.data === undefined;
  return (
    <Page title="Statistics" aside={<Freshness query={over} />}>
      <Choices asked={asked} change={change} />
      <ReadNotice query={over} />
      {data === undefined ? over.isError ? null : <Loading lines={4} height={120} /> : null}
      {data === undefined ? null : data.total.ended === 0 ? (
        <NoEnds data={data} asked={asked} />
      ) : (
        <>
          <Counted data={data} />
          <Box sx={{ opacity: over.isPlaceholderData ? 0.6 : 1 }}>
            <OverTime data={data} />
          </Box>
          {isTold ? null : (
            <Alert severity="info">
              Types, shares and workers are counted singly. To see each {asked.kind}, leave the type empty.
            </Alert>
          )}
          {isOverTime ? null : (
            <ReadNotice query={{ data: ofKind, error: byKind.error, refetch: byKind.refetch }} />
          )}
          {!isTold || rows === undefined ? null : (
            <Rows data={rows} asked={asked} stale={isStale} change={change} />
          )}
        </>
      )}
    </Page>
  );
}

function Choices({ asked, change }: { asked: Asked; change: Change }) {
  const pools = usePoolNames();
  const of = (value: string, usual: string) => (value === usual ? "" : value);
  return (
    <Box
      role="search"
      aria-label="what is counted"
      sx={{ display: "flex", flexWrap: "wrap", gap: 1.5, alignItems: "flex-start" }}
    >
      <ChoiceField
        label="ended in"
        value={asked.range}
        choices={RANGES}
        onChange={(since) => change({ since: of(since, "24h"), step: "" })}
      />
      <ChoiceField
        label="plotted by"
        value={asked.step}
        choices={stepsFor(asked.range, asked.pool).map((step) => [step, step] as const)}
        onChange={(step) => change({ step: of(step, usualStep(asked.range, asked.pool)) })}
      />
      <ChoiceField
        label="pool"
        value={asked.pool}
        choices={[["", "all pools"], ...pools.map((pool) => [pool, plain(pool)] as const)]}
        onChange={(pool) => change({ pool })}
      />
      <Box sx={{ maxWidth: 260 }}>
        <TextFilter label="job type" value={asked.type} onChange={(type) => change({ type })} />
      </Box>
      <ChoiceField
        label="a row for each"
        value={asked.kind}
        choices={KINDS.map((kind) => [kind, KIND_WORDS[kind]] as const)}
        onChange={(by) => change({ by: of(by, "pool") })}
      />
      <ChoiceField
        label="largest first by"
        value={asked.order}
        choices={SHOWN.map(({ id, title }) => [id, title] as const)}
        onChange={(order) => change({ order: of(order, "ended") })}
      />
    </Box>
  );
}

/** Says between which times the jobs ended, because the newest ones are not counted yet. */
function Counted({ data }: { data: Statistics }) {
  const { total } = data;
  return (
    <Typography role="status" variant="body2" color="text.secondary">
      {counted(total.ended, "job")} ended from <Time at={total.since} relative={false} /> to{" "}
      <Time at={total.until} />. Later ends are not counted yet. Times are right to{" "}
      {data.relative_error * 100}&nbsp;%.
    </Typography>
  );
}

function NoEnds({ data, asked }: { data: Statistics; asked: Asked }) {
  const isFiltered = asked.pool !== "" || asked.type !== "";
  return (
    <Empty
      title={isFiltered ? "No counted job fits these filters." : "No job that ended then is counted yet."}
    >
      {data.counted_until === null ? (
        "Jobs are counted 10 to 21 minutes after they ended."
      ) : (
        <>
          Jobs are counted up to <Time at={data.counted_until} />.
        </>
      )}
      <Command text={commandOf(["tidegate", "stats", "--by", "type", "--from", asked.range])} />
    </Empty>
  );
}

function OverTime({ data: { by, rows, total } }: { data: Statistics }) {
  const step = by === "day" ? "day" : "hour";
  const slots = slotsOf(rows, Date.parse(total.since ?? ""), Date.parse(total.until ?? ""), STEPS_MS[step]);
  return <Plots slots={slots} step={step} total={total} />;
}

function Rows({
  data,
  asked,
  stale,
  change,
}: {
  data: Statistics;
  asked: Asked;
  stale: boolean;
  change: Change;
}) {
  const isOverTime = data.by === "hour" || data.by === "day";
  const rows = inOrder(data.rows, isOverTime && asked.order === "ended" ? "" : asked.order);
  const columns: Column<Row>[] = [
    {
      id: "of",
      title: data.by,
      width: "minmax(150px, 2fr)",
      cell: (row) => <Of row={row} by={data.by} />,
    },
    ...SHOWN.map((figure) => ({
      id: figure.id,
      title: figure.title,
      width: figure.unit === "seconds" ? "minmax(112px, 1fr)" : "minmax(88px, 1fr)",
      align: "right" as const,
      cell: (row: Row) => figureText(figure, row),
    })),
  ];
  return (
    <Box sx={{ opacity: stale ? 0.6 : 1 }}>
      <VirtualTable
        label={`ended jobs by ${data.by}`}
        rows={rows}
        columns={columns}
        rowId={(row) => [row.pool, row.type, row.share, row.worker, row.since].join("\n")}
        height={tableHeight(rows.length)}
        {...(data.by === "pool" || data.by === "type" ? { onOpen: (row: Row) => change(within(row)) } : {})}
      />
      <Box sx={{ mt: 1, display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
        <Button variant="outlined" onClick={() => save(data)}>
          Save as CSV
        </Button>
        <Typography variant="caption" color="text.secondary">
          {counted(rows.length, "row")}
          {data.by === "pool" || data.by === "type" ? `; open one to see its ${data.by} alone` : ""}
        </Typography>
      </Box>
    </Box>
  );
}

const OTHER = "(other)";
const KEPT_MS = 10_000;

/** Returns what the address says of a row that is opened: its pool by types, or its type by pools. */
function within({ pool, type }: Row): Readonly<Record<string, string>> {
  if (pool !== null) return { pool, by: "type" };
  return type === null || type === OTHER ? {} : { type, by: "" };
}

function Of({ row, by }: { row: Row; by: Statistics["by"] }) {
  const { zone } = useSettings();
  if (by === "hour" || by === "day") return <>{stepText(Date.parse(row.since ?? ""), by, zone)}</>;
  if (by === "pool") return <>{plain(row.pool ?? "")}</>;
  if (by === "type") return <>{plain(row.type ?? "")}</>;
  const name = plain(`${row.pool ?? ""}/${(by === "share" ? row.share : row.worker) || "none"}`);
  if (row.pool === null || row.worker === OTHER || row.share === OTHER)
    return <>{row.pool === null ? OTHER : name}</>;
  return by === "share" ? (
    <TextLink to="/pools" search={{ pool: row.pool }}>
      {name}
    </TextLink>
  ) : (
    <TextLink to="/workers" search={{ worker: `${row.pool}/${row.worker ?? ""}` }}>
      {name}
    </TextLink>
  );
}

/** Has the browser save every figure of the rows. */
function save(data: Statistics): void {
  const address = URL.createObjectURL(new Blob([csvOf(data.rows)], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `tidegate-${data.by}-${data.total.until?.slice(0, 10) ?? ""}.csv`;
  link.click();
  // A browser may read it only after this turn.
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
}
