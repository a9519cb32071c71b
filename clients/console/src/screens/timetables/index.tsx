import { useNavigate } from "@tanstack/react-router";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useLive } from "../../api/live";
import type { components } from "../../api/schema";
import { plain } from "../../domain/text";
import { recurrenceText } from "../../domain/timetables";
import { Freshness } from "../../shared/Freshness";
import { Mark } from "../../shared/Mark";
import { Command, Empty, Loading, ReadNotice } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { TextLink } from "../../shared/TextLink";
import { Ago } from "../../shared/Time";
import { tableHeight } from "../../shared/tableHeight";
import { useAddress } from "../../shared/useAddress";
import { type Column, VirtualTable } from "../../shared/VirtualTable";
import { RunMark } from "./RunMark";

type Row = components["schemas"]["TimetableRowOut"];

const PAGE = 100;

const COLUMNS: readonly Column<Row>[] = [
  { id: "name", title: "name", width: "minmax(160px, 2fr)", cell: (row) => nameOf(row) },
  { id: "when", title: "when", width: "minmax(200px, 2fr)", cell: (row) => plain(recurrenceText(row)) },
  {
    id: "submits",
    title: "submits",
    width: "minmax(160px, 2fr)",
    cell: (row) => plain(`${row.kind}: ${row.job_types.join(", ")}`),
  },
  { id: "state", title: "state", width: "120px", cell: (row) => <TimetableMark state={row.state} /> },
  { id: "next", title: "next run", width: "150px", cell: (row) => <Ago at={row.next_at} /> },
  {
    id: "last",
    title: "last run",
    width: "minmax(220px, 2fr)",
    cell: ({ last_run: last }) =>
      last === null ? (
        "none yet"
      ) : (
        <>
          <RunMark run={last} /> <Ago at={last.scheduled_at} />
        </>
      ),
  },
];

/** The name of a timetable, or its id where it has none. */
export function nameOf(timetable: Pick<Row, "name" | "timetable_id">): string {
  return plain(timetable.name ?? timetable.timetable_id);
}

/** The state of a timetable as icon, word and colour. */
export function TimetableMark({ state }: { state: string }) {
  if (state === "ACTIVE")
    return (
      <Mark icon="done" tone="good">
        active
      </Mark>
    );
  return (
    <Mark icon={state === "PAUSED" ? "held" : "cancelled"} tone={state === "PAUSED" ? "wait" : "quiet"}>
      {state === "PAUSED" ? "paused" : "ended"}
    </Mark>
  );
}

/** All timetables with their next and their last run. */
export function TimetablesScreen() {
  const api = useApi();
  const navigate = useNavigate();
  const { search: address } = useAddress();
  const query = { limit: PAGE, ...(address.cursor === undefined ? {} : { cursor: address.cursor }) };
  const timetables = useLive({
    key: ["timetables", query],
    read: (signal) => answerOf(api.GET("/v1/timetables", { params: { query }, signal })),
  });
  const rows = timetables.data?.timetables;
  return (
    <Page title="Timetables" aside={<Freshness query={timetables} />}>
      <p style={{ margin: 0 }}>
        <TextLink to="/timetables/new">Make a timetable</TextLink>
      </p>
      <ReadNotice query={timetables} />
      {rows === undefined ? (
        timetables.isError ? null : (
          <Loading />
        )
      ) : rows.length === 0 ? (
        <Empty title="Nothing is submitted at set times.">
          Make a timetable here, or from a file:
          <Command text="tidegate timetables create timetable.yaml" />
        </Empty>
      ) : (
        <VirtualTable
          label="timetables"
          rows={rows}
          columns={COLUMNS}
          rowId={(row) => row.timetable_id}
          onOpen={(row) =>
            void navigate({ to: "/timetables/$timetableId", params: { timetableId: row.timetable_id } })
          }
          height={tableHeight(rows.length)}
        />
      )}
      {timetables.data?.cursor == null ? null : (
        <TextLink to="/timetables" search={{ cursor: timetables.data.cursor }}>
          the next {PAGE} timetables
        </TextLink>
      )}
    </Page>
  );
}
