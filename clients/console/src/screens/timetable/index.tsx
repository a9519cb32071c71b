import Box from "@mui/material/Box";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useLive } from "../../api/live";
import { plain } from "../../domain/text";
import { durationText } from "../../domain/times";
import { recurrenceText } from "../../domain/timetables";
import { Freshness } from "../../shared/Freshness";
import { Command, Loading, ReadNotice } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { Facts, Panel } from "../../shared/Panel";
import { TextLink } from "../../shared/TextLink";
import { Time } from "../../shared/Time";
import { nameOf, TimetableMark } from "../timetables";
import { Acts, type Timetable } from "./Acts";
import { Calendar } from "./Calendar";
import { Runs } from "./Runs";

const NEXT = 100;
const LISTED = 5;
const MISSED = {
  skip: "are skipped",
  once: "run once, for the latest",
  all: "all run, 100 at most",
} as const;
const OVERLAP = {
  allow: "the next run goes beside it",
  skip: "the next run is skipped",
  cancel: "it is cancelled",
} as const;

/** One timetable: its rules, a calendar of what comes, its runs, and the acts on it. */
export function TimetableScreen() {
  const api = useApi();
  const { timetableId } = useParams({ strict: false }) as { timetableId: string };
  const timetable = useLive({
    key: ["timetables", timetableId],
    read: (signal) =>
      answerOf(
        api.GET("/v1/timetables/{timetable_id}", { params: { path: { timetable_id: timetableId } }, signal }),
      ),
  });
  const { data } = timetable;
  return (
    <Page
      title={data === undefined ? "Timetable" : `Timetable ${nameOf(data)}`}
      aside={<Freshness query={timetable} />}
    >
      <ReadNotice query={timetable} />
      {data === undefined ? (
        timetable.isError ? null : (
          <Loading />
        )
      ) : (
        <>
          <Acts timetable={data} />
          <Panel title="Rules">
            <Facts rows={rulesOf(data)} />
          </Panel>
          <NextRuns timetable={data} />
          <Runs timetableId={timetableId} />
          <Panel title={`The ${data.kind} that each run submits`}>
            <Command text={linesOf(data.job ?? data.workflow)} />
          </Panel>
        </>
      )}
    </Page>
  );
}

function linesOf(template: unknown): string {
  return JSON.stringify(template, null, 2).split("\n").map(plain).join("\n");
}

function rulesOf(timetable: Timetable) {
  return [
    ["state", <TimetableMark key="state" state={timetable.state} />],
    ["when", plain(recurrenceText(timetable))],
    ...(timetable.anchor === null
      ? []
      : [["counted from", <Time key="anchor" at={timetable.anchor} />] as const]),
    ["not before", <Time key="start" at={timetable.start} />],
    ["not after", <Time key="end" at={timetable.end} />],
    ["missed times", MISSED[timetable.missed as keyof typeof MISSED] ?? timetable.missed],
    ["grace", durationText(timetable.grace_seconds)],
    ["while a run goes on", OVERLAP[timetable.overlap as keyof typeof OVERLAP] ?? timetable.overlap],
    ["jitter", timetable.jitter_seconds === 0 ? "none" : `up to ${durationText(timetable.jitter_seconds)}`],
    ["submits as", plain(timetable.submitted_by ?? "-")],
    ["changed", <Changed key="changed" timetable={timetable} />],
    [
      "acts",
      <TextLink key="acts" to="/audit" search={{ subject: timetable.timetable_id }}>
        who did what to it
      </TextLink>,
    ],
  ] as const;
}

function Changed({ timetable }: { timetable: Timetable }) {
  return (
    <>
      <Time at={timetable.changed_at} /> by {plain(timetable.changed_by ?? "-")}
    </>
  );
}

function NextRuns({ timetable }: { timetable: Timetable }) {
  const api = useApi();
  const next = useQuery({
    // A run that has begun, and a change, make other times the next ones.
    queryKey: ["timetables", timetable.timetable_id, "next", timetable.version, timetable.next_at],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET("/v1/timetables/{timetable_id}/next", {
          params: { path: { timetable_id: timetable.timetable_id }, query: { count: NEXT } },
          signal,
        }),
      ),
  });
  const { data } = next;
  return (
    <Panel title="Next runs">
      <ReadNotice query={next} />
      {timetable.state === "PAUSED" ? (
        <p style={{ marginTop: 0 }}>It is paused: none of these runs begins.</p>
      ) : null}
      {data === undefined ? (
        next.isError ? null : (
          <Loading lines={3} />
        )
      ) : data.times.length === 0 ? (
        <p style={{ margin: 0 }}>No run is to come.</p>
      ) : (
        <>
          <Box component="ol" sx={{ mt: 0, "& time": { whiteSpace: "normal !important" } }}>
            {data.times.slice(0, LISTED).map(({ scheduled_at: at }) => (
              <li key={at}>
                <Time at={at} />
              </li>
            ))}
          </Box>
          <Calendar locals={data.times.map(({ local }) => local)} zone={plain(data.zone)} />
          {data.times.length === NEXT ? (
            <p>At most three months and the next {NEXT} runs are shown.</p>
          ) : null}
        </>
      )}
    </Panel>
  );
}
