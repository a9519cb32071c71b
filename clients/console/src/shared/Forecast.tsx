import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiProblem } from "../api/problems";
import {
  aheadText,
  boundsText,
  helpText,
  type Interval,
  type Judgement,
  percentText,
} from "../domain/forecast";
import { plain } from "../domain/text";
import { durationText } from "../domain/times";
import type { Note } from "./forecasts";

import { Loading, ReadNotice } from "./Notices";
import { useNow } from "./now";
import { useSettings } from "./settings";
import { Time } from "./Time";
import { VerdictMark } from "./Verdict";

interface Answer {
  readonly asked_at: string | null;
  readonly coverage: number;
  readonly notes: readonly Note[];
}

/** A forecast with its age, its assumptions and a button that asks again; or why there is none. */
export function Forecast<T extends Answer>({
  query,
  children,
}: {
  query: UseQueryResult<T>;
  /** Returns the lines of an answer. */
  children: (answer: T) => ReactNode;
}) {
  const { data, error } = query;
  if (error instanceof ApiProblem && error.status === 404) {
    return <Section>No graph of its workflow is stored, so nothing is forecast.</Section>;
  }
  const again = () => {
    // A second request would end the first one, whose reads are paid by then.
    if (!query.isFetching) void query.refetch();
  };
  return (
    <Section>
      {data === undefined ? null : (
        <>
          {children(data)}
          <Notes notes={data.notes} />
        </>
      )}
      {data === undefined && query.isFetching ? <Loading lines={1} /> : null}
      {query.isFetching ? null : <ReadNotice query={query} onDemand={!query.isEnabled} onRetry={again} />}
      {data === undefined ? null : (
        <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", columnGap: 1 }}>
          {data.asked_at === null ? null : <Age at={data.asked_at} />}
          <Button variant="text" size="small" aria-busy={query.isFetching} onClick={again}>
            Forecast again
          </Button>
        </Box>
      )}
    </Section>
  );
}

/** A forecast that is made only when somebody asks for it. */
export function ForecastOnDemand({ reason, onAsk }: { reason: string; onAsk: () => void }) {
  return (
    <Section>
      {reason}{" "}
      <Button variant="text" size="small" onClick={onAsk}>
        Forecast
      </Button>
    </Section>
  );
}

/** One time of a forecast in words: what happens, when, and between which bounds. */
export function Expected({
  what,
  at,
  coverage,
}: {
  /** Such as `Starts` and `Ends`. */
  what: string;
  at: Interval | null;
  coverage: number;
}) {
  const nowMs = useNow();
  const { zone } = useSettings();
  if (at === null) return null;
  const bounds = boundsText(at, zone);
  return (
    <div>
      {what} about <Time at={at.median} relative={false} /> ({aheadText(at.median, nowMs)})
      {bounds === null ? null : (
        <Box component="span" sx={{ color: "text.secondary" }}>
          , in {Math.round(coverage * 100)} % of cases between {bounds}
        </Box>
      )}
    </div>
  );
}

/** Says whether a job or a workflow ends by the time that its caller named, and what would help. */
export function FinishBy({ judged }: { judged: Judgement | null | undefined }) {
  if (judged == null) return null;
  const { at, verdict, probability, earliest, helps } = judged;
  return (
    <div>
      <VerdictMark verdict={verdict} /> It ought to end by <Time at={at} relative={false} />
      {verdict === "missed" ? "." : `, and does so with a probability of ${percentText(probability)}.`}
      {earliest === null ? null : (
        <>
          {" "}
          Without any wait it would end about <Time at={earliest} relative={false} />.
        </>
      )}
      {helps.length === 0 ? null : (
        <Box component="ul" aria-label="changes that would help" sx={{ m: 0, pl: 3 }}>
          {helps.map((each) => (
            <li key={helpText(each)}>{plain(helpText(each))}</li>
          ))}
        </Box>
      )}
    </div>
  );
}

function Section({ children }: { children: ReactNode }) {
  return (
    <Box component="section" aria-label="forecast" sx={{ overflowWrap: "anywhere" }}>
      {children}
    </Box>
  );
}

function Notes({ notes }: { notes: readonly Note[] }) {
  if (notes.length === 0) return null;
  return (
    <Box
      component="ul"
      aria-label="notes on the forecast"
      sx={{ m: 0, pl: 3, fontSize: "0.8rem", color: "text.secondary" }}
    >
      {notes.map(({ code, message }) => (
        <li key={`${code} ${message}`}>{plain(message)}</li>
      ))}
    </Box>
  );
}

/** The age by the answer itself: what is shown until the answer about another state comes has no time of its own. */
function Age({ at }: { at: string }) {
  const nowMs = useNow();
  const age = durationText(Math.max(0, Math.round((nowMs - Date.parse(at)) / 1_000)));
  return (
    <Typography component="span" variant="caption" color="text.secondary">
      forecast {age} ago
    </Typography>
  );
}
