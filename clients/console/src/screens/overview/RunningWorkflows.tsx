import Box from "@mui/material/Box";
import type { UseQueryResult } from "@tanstack/react-query";
import type { components } from "../../api/schema";
import { etaOf, etaText } from "../../domain/eta";
import { TERMINAL } from "../../domain/states";
import { plain } from "../../domain/text";
import { Loading, ReadNotice } from "../../shared/Notices";
import { useNow } from "../../shared/now";
import { Panel } from "../../shared/Panel";
import { StateBar } from "../../shared/StateBar";
import { StateMark } from "../../shared/StateMark";
import { TextLink } from "../../shared/TextLink";
import { Ago } from "../../shared/Time";

/** The newest workflows that have not ended, each with how far it is. */
export function RunningWorkflows({
  workflows,
}: {
  workflows: UseQueryResult<components["schemas"]["WorkflowListOut"]>;
}) {
  const { data } = workflows;
  const all = (
    <TextLink to="/workflows" search={{ state: "RUNNING,HELD" }}>
      all workflows that run
    </TextLink>
  );
  return (
    <Panel title="Workflows that run" aside={all}>
      <ReadNotice query={workflows} />
      {data === undefined ? workflows.isError ? null : <Loading lines={3} /> : <List rows={data.workflows} />}
    </Panel>
  );
}

function List({ rows }: { rows: readonly components["schemas"]["WorkflowRowOut"][] }) {
  if (rows.length === 0) return <p style={{ margin: 0 }}>No workflow runs.</p>;
  return (
    <Box component="ul" aria-label="workflows that run" sx={{ m: 0, p: 0, display: "grid", gap: 1.5 }}>
      {rows.map((row) => (
        <Box component="li" key={row.workflow_id} sx={{ listStyle: "none", minWidth: 0 }}>
          <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", justifyContent: "space-between" }}>
            <TextLink
              to="/workflows/$workflowId"
              params={{ workflowId: row.workflow_id }}
              sx={{ overflowWrap: "anywhere" }}
            >
              {plain(row.name ?? row.workflow_id)}
            </TextLink>
            <Box component="span" sx={{ display: "inline-flex", gap: 1, fontSize: "0.8rem" }}>
              {row.state === "RUNNING" ? null : <StateMark state={row.state} />}
              {ended(row.counts).toLocaleString("en")} of {row.job_count.toLocaleString("en")} ended ·{" "}
              <Ago at={row.created_at} />
              <Left row={row} />
            </Box>
          </Box>
          <StateBar counts={row.counts} />
        </Box>
      ))}
    </Box>
  );
}

function Left({ row }: { row: components["schemas"]["WorkflowRowOut"] }) {
  const eta = etaOf(row, useNow());
  return eta === null ? null : <span title={eta.by}>· {etaText(eta)} left</span>;
}

function ended(counts: Readonly<Record<string, number>>): number {
  return Object.entries(counts).reduce((sum, [state, count]) => (TERMINAL.has(state) ? sum + count : sum), 0);
}
