import Box from "@mui/material/Box";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useForbidden } from "../../api/me";
import type { components } from "../../api/schema";
import { counted } from "../../domain/numbers";
import { ActButton } from "../../shared/ActButton";
import { ErrorNotice } from "../../shared/Notices";
import { WhenField } from "../../shared/WhenField";
import { nameOf } from "../timetables";
import { bodyOf, changedOf, RuleFields, rulesOf } from "../timetables/RuleFields";

export type Timetable = components["schemas"]["TimetableOut"];

/** The most calls of one backfill; each submits up to a hundred runs. */
const MOST_CALLS = 10;

/** The acts on a timetable. */
export function Acts({ timetable }: { timetable: Timetable }) {
  const api = useApi();
  const navigate = useNavigate();
  const forbidden = useForbidden("client");
  const path = { timetable_id: timetable.timetable_id };
  const name = nameOf(timetable);
  // One key for a run however often somebody presses until there is an answer.
  const runKey = useRef(crypto.randomUUID() as string);
  return (
    <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap" }}>
      <ActButton
        label="Run now"
        impossible={forbidden}
        run={async () => {
          const params = { path, header: { "Idempotency-Key": runKey.current } };
          await answerOf(api.POST("/v1/timetables/{timetable_id}/run", { params }));
          runKey.current = crypto.randomUUID();
        }}
      />
      {timetable.state === "PAUSED" ? (
        <ActButton
          label="Resume"
          impossible={forbidden}
          run={() => answerOf(api.POST("/v1/timetables/{timetable_id}/resume", { params: { path } }))}
        />
      ) : (
        <ActButton
          label="Pause"
          impossible={forbidden}
          ask={{
            title: `Pause ${name}?`,
            content: () => (
              <p>
                Nothing is submitted until somebody resumes it. Times that pass meanwhile are passed over.
              </p>
            ),
            confirm: "Pause the timetable",
          }}
          run={() => answerOf(api.POST("/v1/timetables/{timetable_id}/pause", { params: { path } }))}
        />
      )}
      <Change timetable={timetable} forbidden={forbidden} />
      <Backfill timetable={timetable} forbidden={forbidden} />
      <ActButton
        label="Remove"
        color="error"
        impossible={forbidden}
        ask={{
          title: `Remove ${name}?`,
          content: () => <p>Nothing more is submitted by it. What it has submitted stays.</p>,
          confirm: "Remove the timetable",
        }}
        run={async () => {
          await answerOf(api.DELETE("/v1/timetables/{timetable_id}", { params: { path } }));
          await navigate({ to: "/timetables" });
        }}
      />
    </Box>
  );
}

function Change({ timetable, forbidden }: { timetable: Timetable; forbidden: string | null }) {
  const api = useApi();
  const [rules, setRules] = useState(() => rulesOf(timetable));
  return (
    <ActButton
      label="Change"
      impossible={forbidden}
      ask={{
        title: `Change ${nameOf(timetable)}`,
        // Somebody else may have changed it since the page was opened.
        begin: () => setRules(rulesOf(timetable)),
        content: () => <RuleFields rules={rules} onChange={setRules} />,
        confirm: "Change the timetable",
      }}
      run={async () => {
        const body = changedOf(bodyOf(rulesOf(timetable)), bodyOf(rules));
        const params = { path: { timetable_id: timetable.timetable_id } };
        await answerOf(api.PATCH("/v1/timetables/{timetable_id}", { params, body }));
      }}
    />
  );
}

function Backfill({ timetable, forbidden }: { timetable: Timetable; forbidden: string | null }) {
  const api = useApi();
  const [range, setRange] = useState({ from: "", to: "" });
  const path = { timetable_id: timetable.timetable_id };
  return (
    <ActButton
      label="Backfill"
      impossible={forbidden}
      ask={{
        title: `Submit past times of ${nameOf(timetable)}`,
        begin: () => setRange({ from: "", to: "" }),
        content: () => (
          <Box sx={{ display: "grid", gap: 2, pt: 1 }}>
            <WhenField label="from" value={range.from} onChange={(from) => setRange({ ...range, from })} />
            <WhenField
              label="to, not itself"
              value={range.to}
              onChange={(to) => setRange({ ...range, to })}
            />
            <Count timetableId={timetable.timetable_id} {...range} />
          </Box>
        ),
        confirm: "Submit them",
      }}
      run={async () => {
        if (range.from === "" || range.to === "") throw new Error("say from when to when");
        let next: string | null = range.from;
        for (let call = 0; call < MOST_CALLS && next !== null; call += 1) {
          const body = { from: next, to: range.to };
          const done: components["schemas"]["BackfilledOut"] = await answerOf(
            api.POST("/v1/timetables/{timetable_id}/backfill", { params: { path }, body }),
          );
          next = done.next_from;
        }
        if (next !== null) {
          setRange({ from: next, to: range.to });
          throw new Error("The first of them are submitted. Go on with the rest, or leave it so.");
        }
      }}
    />
  );
}

/** Says how many runs a backfill would submit. */
function Count({ timetableId, from, to }: { timetableId: string; from: string; to: string }) {
  const api = useApi();
  const count = useQuery({
    queryKey: ["timetables", timetableId, "backfill", from, to],
    queryFn: ({ signal }) => {
      const params = { path: { timetable_id: timetableId }, query: { from, to } };
      return answerOf(api.GET("/v1/timetables/{timetable_id}/backfill", { params, signal }));
    },
    enabled: from !== "" && to !== "",
  });
  if (count.isError) return <ErrorNotice error={count.error} />;
  if (count.data === undefined) return <p role="status">Choose both, and the runs are counted.</p>;
  const { count: times, more, submitted } = count.data;
  return (
    <p role="status">
      {more ? "More than " : ""}
      {counted(times, "scheduled time")}, of which {submitted.toLocaleString("en")}{" "}
      {submitted === 1 ? "was" : "were"} submitted before and {submitted === 1 ? "is" : "are"} not again.
    </p>
  );
}
