import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useForbidden } from "../../api/me";
import { countText } from "../../domain/gauges";
import { plain } from "../../domain/text";
import { durationText } from "../../domain/times";
import { ActButton } from "../../shared/ActButton";
import { DetailPanel } from "../../shared/DetailPanel";
import { EndedOfDay } from "../../shared/EndedOfDay";
import { Gauge } from "../../shared/Gauge";
import { Mark } from "../../shared/Mark";
import { Facts } from "../../shared/Panel";
import type { Pool } from "../../shared/reads";
import { TextLink } from "../../shared/TextLink";
import { Time } from "../../shared/Time";
import { Redrive } from "./Redrive";
import { Shares } from "./Shares";

/** One pool: its load, the acts of operators on it, its rules and its shares. */
export function PoolDetail({ pool, onClose }: { pool: Pool; onClose: () => void }) {
  const api = useApi();
  const forbidden = useForbidden("operator");
  const path = { params: { path: { pool: pool.name } } };
  const rule = pool.changes.paused;
  return (
    <DetailPanel title={`Pool ${plain(pool.name)}`} onClose={onClose}>
      <Gauge pool={pool} />
      <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", my: 1.5 }}>
        {pool.paused ? (
          <ActButton
            label="Resume"
            impossible={forbidden}
            run={() => answerOf(api.POST("/v1/pools/{pool}/resume", path))}
          />
        ) : (
          <ActButton
            label="Pause"
            impossible={forbidden ?? (pool.deployed ? null : "a deploy removed the pool")}
            ask={{
              title: `Pause pool ${plain(pool.name)}?`,
              content: () => (
                <p>
                  No job is dispatched in it any more until somebody resumes it. Ready jobs wait (
                  {countText(pool.ready)}), and dispatched ones run on ({countText(pool.active)}).
                </p>
              ),
              confirm: "Pause the pool",
            }}
            run={() => answerOf(api.POST("/v1/pools/{pool}/pause", path))}
          />
        )}
        <Redrive pool={pool.name} impossible={forbidden} />
      </Box>
      <Facts
        rows={[
          [
            "dispatching",
            pool.paused ? (
              <Mark key="paused" icon="held" tone="wait">
                paused
              </Mark>
            ) : (
              <Mark key="open" icon="done" tone="good">
                open
              </Mark>
            ),
          ],
          [
            "rule set by",
            rule === null ? (
              "nobody yet"
            ) : (
              <>
                {plain(rule.by)}, <Time at={rule.at} />
              </>
            ),
          ],
          ["fault", pool.fault === "" ? "none" : plain(pool.fault)],
          [
            "ready",
            <TextLink key="ready" to="/jobs" search={{ pool: pool.name, state: "READY" }}>
              {countText(pool.ready)} for a slot, {countText(pool.held)} for their key or type
            </TextLink>,
          ],
          [
            "active",
            <TextLink key="active" to="/jobs" search={{ pool: pool.name, state: "RUNNING,QUEUED" }}>
              {countText(pool.active)} running or dispatched
            </TextLink>,
          ],
          [
            "workers",
            pool.kind === "process" ? (
              <TextLink key="workers" to="/workers" search={{ pool: pool.name }}>
                {pool.workers.toLocaleString("en")} alive
              </TextLink>
            ) : (
              "execution environments of a function"
            ),
          ],
          [
            "capacity",
            `${pool.capacity.toLocaleString("en")} jobs at once, dispatched ahead up to ${pool.window} times`,
          ],
          [
            "longest timeout",
            pool.max_timeout_seconds === null ? "not known" : durationText(pool.max_timeout_seconds),
          ],
          ["capabilities", plain(pool.capabilities.join(", ")) || "none"],
          [
            "types some workers lack",
            Object.entries(pool.limited)
              .map(([type, most]) => plain(`${type} (${most} at once)`))
              .join(", ") || "none",
          ],
          [
            "tags",
            Object.entries(pool.tags)
              .map(([name, value]) => plain(`${name}=${value}`))
              .join(", ") || "none",
          ],
          [
            "acts",
            <TextLink key="acts" to="/audit" search={{ subject: `pool#${pool.name}` }}>
              who did what to it
            </TextLink>,
          ],
        ]}
      />
      <Typography component="h3" variant="h3" sx={{ mt: 2, mb: 1 }}>
        Ended jobs
      </Typography>
      <EndedOfDay pool={pool.name} />
      <Typography component="h3" variant="h3" sx={{ mt: 2, mb: 1 }}>
        Shares
      </Typography>
      <Shares pool={pool.name} impossible={forbidden} />
    </DetailPanel>
  );
}
