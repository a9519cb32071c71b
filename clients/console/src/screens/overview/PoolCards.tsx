import Box from "@mui/material/Box";
import { countText } from "../../domain/gauges";
import { counted } from "../../domain/numbers";
import { plain } from "../../domain/text";
import { Gauge } from "../../shared/Gauge";
import { Mark, PausedMark } from "../../shared/Mark";
import { Panel } from "../../shared/Panel";
import type { Pool } from "../../shared/reads";
import { TextLink } from "../../shared/TextLink";

/** A card a pool: how full it is, how much waits for it, and who holds it back. */
export function PoolCards({ pools }: { pools: readonly Pool[] }) {
  return (
    <Panel title="Pools">
      <Box
        component="ul"
        aria-label="pools"
        sx={{
          display: "grid",
          gap: 1,
          gridTemplateColumns: "repeat(auto-fill, minmax(220px, 1fr))",
          m: 0,
          p: 0,
        }}
      >
        {pools.map((pool) => (
          <Box
            component="li"
            key={pool.name}
            sx={{
              listStyle: "none",
              p: 1.5,
              border: 1,
              borderColor: "divider",
              borderRadius: 1,
              minWidth: 0,
            }}
          >
            <TextLink
              to="/pools"
              search={{ pool: pool.name }}
              sx={{ fontWeight: 600, overflowWrap: "anywhere" }}
            >
              {plain(pool.name)}
            </TextLink>
            <Gauge pool={pool} />
            <Box sx={{ fontSize: "0.8rem", color: "text.secondary" }}>
              {countText(pool.ready)} ready, {countText(pool.held)} held
              {pool.kind === "process" ? `, ${counted(pool.workers, "worker")}` : ""}
            </Box>
            <PoolMarks pool={pool} />
          </Box>
        ))}
      </Box>
    </Panel>
  );
}

/** What keeps a pool from its work. */
export function PoolMarks({ pool }: { pool: Pool }) {
  return (
    <Box sx={{ display: "flex", flexDirection: "column", fontSize: "0.8rem" }}>
      {pool.paused ? <PausedMark change={pool.changes.paused} /> : null}
      {pool.fault === "" ? null : (
        <Mark icon="warning" tone="bad">
          {plain(pool.fault)}
        </Mark>
      )}
      {pool.deployed ? null : (
        <Mark icon="warning" tone="wait">
          removed by a deploy
        </Mark>
      )}
    </Box>
  );
}
