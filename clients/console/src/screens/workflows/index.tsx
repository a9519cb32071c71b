import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import useMediaQuery from "@mui/material/useMediaQuery";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useLive } from "../../api/live";
import { VERDICTS } from "../../domain/forecast";
import { isMoving } from "../../domain/graph/progress";
import { counted } from "../../domain/numbers";
import { plain } from "../../domain/text";
import { NewPill, useArrivals } from "../../shared/arrivals";
import { Freshness } from "../../shared/Freshness";
import { useListForecast } from "../../shared/forecasts";
import { Command, Empty, ErrorNotice, Loading, ReadNotice } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { Ago, Time } from "../../shared/Time";
import { type Address, type Search, useAddress } from "../../shared/useAddress";
import { VirtualTable } from "../../shared/VirtualTable";
import { BulkBar } from "./BulkBar";
import { columnsOf, type Ends, endsOf, type WorkflowRow } from "./columns";
import { Filters, statesIn } from "./Filters";

const PAGE = 100;
const NONE: ReadonlySet<string> = new Set();

function filtersOf(search: Search) {
  const state = statesIn(search).join(",");
  const verdict = VERDICTS.find((each) => each === search.verdict);
  return {
    ...(state === "" ? {} : { state }),
    ...(search.name ? { name: search.name } : {}),
    ...(search.tag ? { tag: [search.tag] } : {}),
    ...(search.submitted_by ? { submitted_by: search.submitted_by } : {}),
    ...(search.from ? { from: search.from } : {}),
    ...(search.to ? { to: search.to } : {}),
    ...(verdict === undefined ? {} : { verdict }),
    ...(search.cursor ? { cursor: search.cursor } : {}),
  };
}

/** The workflows that fit the filters of the address, newest first, one page at a time. */
export function WorkflowsScreen() {
  const api = useApi();
  const address = useAddress();
  const { search, change } = address;
  const filters = filtersOf(search);
  const list = useLive({
    key: ["workflows", filters],
    read: (signal) =>
      answerOf(api.GET("/v1/workflows", { params: { query: { ...filters, limit: PAGE } }, signal })),
    moves: (page) => page.workflows.some((row) => isMoving(row.state)),
  });
  const page = list.data;
  const of = JSON.stringify(filters);
  const forecast = useListForecast(filters, PAGE);
  const ends = useMemo(
    () => (forecast.data === undefined ? null : endsOf(forecast.data.workflows)),
    [forecast.data],
  );
  const ask = () => {
    // A second request would end the first one, whose reads are paid by then.
    if (!forecast.isFetching) void forecast.refetch();
  };
  return (
    <Page title="Workflows" aside={<Freshness query={list} />}>
      <Filters search={search} change={change} />
      <ReadNotice query={list} />
      {list.error !== null && page === undefined && search.cursor ? <Newest change={change} /> : null}
      {page === undefined ? (
        list.error === null ? (
          <Loading />
        ) : null
      ) : (
        <>
          <ForecastEnds query={forecast} onAsk={ask} />
          <Rows rows={page.workflows} of={of} stale={list.isPlaceholderData} ends={ends} />
          {page.workflows.length === 0 ? <Nothing filtered={Object.keys(filters).length > 0} /> : null}
          <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
            <Typography component="p" variant="body2" color="text.secondary">
              {search.cursor ? "An older page: " : ""}
              {page.workflows.length.toLocaleString("en")} shown of {page.looked_at.toLocaleString("en")}{" "}
              looked at
              {page.looked_back_to === null ? null : (
                <>
                  , back to <Time at={page.looked_back_to} relative={false} />
                </>
              )}
              {page.cursor === null ? ". There are no older ones." : ". There may be older ones that fit."}
            </Typography>
            {page.cursor === null ? null : (
              <Button variant="outlined" onClick={() => change({ cursor: page.cursor ?? undefined })}>
                Look further back
              </Button>
            )}
            {search.cursor ? <Newest change={change} /> : null}
          </Box>
        </>
      )}
    </Page>
  );
}

/** The button that forecasts the page, and how far that came. */
function ForecastEnds({ query, onAsk }: { query: ReturnType<typeof useListForecast>; onAsk: () => void }) {
  const told = query.data?.forecast ?? null;
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", columnGap: 1 }}>
      <Button variant="text" size="small" aria-busy={query.isFetching} onClick={onAsk}>
        {told === null ? "Forecast when they end" : "Forecast again"}
      </Button>
      {told === null ? null : (
        <Typography role="status" variant="body2" color="text.secondary">
          Forecast <Ago at={told.asked_at} />
          {told.left_out === 0 ? null : `; ${counted(told.left_out, "workflow")} left out`}
          {told.notes.map(({ code, message }) => (
            <span key={code}> {plain(message)}</span>
          ))}
        </Typography>
      )}
      {query.error === null || query.isFetching ? null : <ErrorNotice error={query.error} onRetry={onAsk} />}
    </Box>
  );
}

function Newest({ change }: Pick<Address, "change">) {
  return (
    <Button variant="text" onClick={() => change({ cursor: undefined })}>
      Back to the newest
    </Button>
  );
}

function Rows({
  rows,
  of,
  stale,
  ends,
}: {
  rows: readonly WorkflowRow[];
  of: string;
  stale: boolean;
  ends: Ends | null;
}) {
  const navigate = useNavigate();
  const narrow = useMediaQuery("(max-width: 700px)");
  const [selection, setSelection] = useState<{ readonly of: string; readonly ids: ReadonlySet<string> }>({
    of,
    ids: NONE,
  });
  // Other filters show other workflows, so what was selected before is none of them.
  const selected = selection.of === of ? selection.ids : NONE;
  const { shown, waiting, show } = useArrivals(rows, of, (row) => row.workflow_id, stale);
  if (rows.length === 0) return null;
  return (
    <Box sx={{ display: "flex", flexDirection: "column", gap: 1, opacity: stale ? 0.6 : 1 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, justifyContent: "space-between", minHeight: 36 }}>
        <BulkBar
          selected={shown.filter((row) => selected.has(row.workflow_id))}
          onClear={() => setSelection({ of, ids: NONE })}
        />
        <NewPill waiting={waiting} onShow={show} />
      </Box>
      <VirtualTable
        label="workflows, newest first"
        rows={shown}
        columns={columnsOf(shown, narrow, ends)}
        rowId={(row) => row.workflow_id}
        selected={selected}
        onSelect={(changed) => setSelection({ of, ids: changed })}
        onOpen={(row) =>
          void navigate({ to: "/workflows/$workflowId", params: { workflowId: row.workflow_id } })
        }
        placeName={`workflows ${of}`}
        height="max(300px, calc(100dvh - 360px))"
      />
    </Box>
  );
}

function Nothing({ filtered }: { filtered: boolean }) {
  return filtered ? (
    <Empty title="No workflow fits these filters">
      Clear one of them, or look further back where that is offered.
    </Empty>
  ) : (
    <Empty title="No workflow yet">
      <Command text="tidegate submit examples/workflow.json" />
    </Empty>
  );
}
