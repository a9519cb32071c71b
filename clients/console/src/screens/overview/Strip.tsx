import Box from "@mui/material/Box";
import type { UseQueryResult } from "@tanstack/react-query";
import { countOfLast } from "../../domain/failureGroups";
import { countText, total } from "../../domain/gauges";
import type { Pool } from "../../shared/reads";
import { StateMark } from "../../shared/StateMark";
import { TextLink } from "../../shared/TextLink";
import type { Failures } from "../failures/useFailures";

const HOUR_MS = 3_600_000;

/** The numbers of the whole deployment, each a link to its jobs. */
export function Strip({ pools, failures }: { pools: readonly Pool[]; failures: UseQueryResult<Failures> }) {
  const active = total(pools.map((pool) => pool.active));
  const ready = total(pools.map((pool) => pool.ready));
  const held = total(pools.map((pool) => pool.held));
  const { data } = failures;
  // The 24 bars of 24 hours are an hour each.
  const failed = data === undefined ? null : countOfLast(data.groups, 1, data.toMs - HOUR_MS, data.isWhole);
  return (
    <Box
      component="ul"
      aria-label="jobs of all pools"
      sx={{
        display: "grid",
        gap: 1,
        gridTemplateColumns: "repeat(auto-fit, minmax(150px, 1fr))",
        m: 0,
        p: 0,
      }}
    >
      <Tile
        state="RUNNING"
        number={countText(active)}
        words="running or dispatched"
        search={{ state: "RUNNING,QUEUED" }}
      />
      <Tile state="READY" number={countText(ready)} words="wait for a slot" search={{ state: "READY" }} />
      <Tile
        state="HELD"
        number={countText(held)}
        words="wait for their key or type"
        search={{ state: "READY" }}
      />
      <Tile
        state="SCHEDULED"
        number="not counted"
        words="wait for others or for a time"
        search={{ state: "PENDING,SCHEDULED" }}
      />
      <Tile
        state="FAILED"
        number={
          failed === null ? "…" : `${failed.isAll ? "" : "at least "}${failed.count.toLocaleString("en")}`
        }
        words="failed in the last hour"
        search={{ state: "FAILED,TIMED_OUT", since: "1h" }}
      />
    </Box>
  );
}

function Tile({
  state,
  number,
  words,
  search,
}: {
  state: string;
  number: string;
  words: string;
  search: Record<string, string>;
}) {
  return (
    <Box component="li" sx={{ listStyle: "none" }}>
      <TextLink
        to="/jobs"
        search={search}
        underline="none"
        sx={{
          display: "block",
          height: "100%",
          p: 1.5,
          border: 1,
          borderColor: "divider",
          borderRadius: 1,
          bgcolor: "background.paper",
          color: "text.primary",
          "&:hover": { bgcolor: "action.hover" },
        }}
      >
        <StateMark state={state} />
        <Box component="span" sx={{ display: "block", fontSize: "1.4rem", fontWeight: 600 }}>
          {number}
        </Box>
        <Box component="span" sx={{ fontSize: "0.8rem", color: "text.secondary" }}>
          {words}
        </Box>
      </TextLink>
    </Box>
  );
}
