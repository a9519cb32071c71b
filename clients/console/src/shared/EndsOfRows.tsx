/** The ends of the last 24 hours beside each row of a list, which one call reads for all rows. */

import Box from "@mui/material/Box";
import type { UseQueryResult } from "@tanstack/react-query";
import { barsOfDay, dayText } from "../domain/steps";
import { Sparkline } from "./Bars";
import { ReadNotice } from "./Notices";
import { type Statistics, useStatistics } from "./statistics";
import { TextLink } from "./TextLink";
import { Ago } from "./Time";
import type { Column } from "./VirtualTable";

const WIDTH = 96;
const HEIGHT = 22;
/** The name of all that roll-ups don't tell apart. */
const OTHER = "(other)";

type By = "pool" | "type";

/** Reads the ends of all pools or types by hour, once the list is there. */
export function useEndsOfRows(by: By, enabled: boolean): UseQueryResult<Statistics> {
  const asked = { range: "24h", step: "hour", pool: "", type: "" } as const;
  return useStatistics(asked, by, { enabled, inSteps: true });
}

/** Returns the column that shows the ends of each row as small bars. */
export function endsColumn<Row>(
  statistics: Statistics | undefined,
  by: By,
  nameOf: (row: Row) => string,
): Column<Row> {
  const known = new Map(statistics?.rows.map((row) => [row[by], row]));
  const until = statistics?.counted_until == null ? null : statistics.total.until;
  const cell = (of: Row) => {
    const row = known.get(nameOf(of));
    if (row === undefined) return until === null || known.has(OTHER) ? "-" : "none";
    return (
      <Box
        component="span"
        sx={{ display: "inline-flex", alignItems: "center", gap: 1, height: HEIGHT, verticalAlign: "middle" }}
      >
        <Sparkline
          bars={barsOfDay(row.steps ?? [], until)}
          says={dayText(row)}
          width={WIDTH}
          height={HEIGHT}
        />
        {row.ended.toLocaleString("en")}
      </Box>
    );
  };
  return { id: "ended", title: "ended in 24 h", width: "170px", cell };
}

/** Says below the list up to when ends are counted, or why they are not told. */
export function EndsNote({ query, by }: { query: UseQueryResult<Statistics>; by: By }) {
  return (
    <Box sx={{ mt: 1, color: "text.secondary", fontSize: "0.8rem", minHeight: "1.5em" }}>
      <ReadNotice query={query} />
      {query.data === undefined ? null : query.data.counted_until === null ? (
        "No ended job is counted yet."
      ) : (
        <>
          Ends are counted up to <Ago at={query.data.total.until} />.{" "}
          <TextLink to="/stats" search={{ by }}>
            statistics by {by}
          </TextLink>
        </>
      )}
    </Box>
  );
}
