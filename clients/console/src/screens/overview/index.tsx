import Box from "@mui/material/Box";
import { EndedOfDay } from "../../shared/EndedOfDay";
import { Freshness } from "../../shared/Freshness";
import { Command, Empty, ErrorNotice, Loading, ReadNotice } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { Panel } from "../../shared/Panel";
import { Attention } from "./Attention";
import { PoolCards } from "./PoolCards";
import { RunningWorkflows } from "./RunningWorkflows";
import { FAILED_SINCE, useOverview } from "./reads";
import { Strip } from "./Strip";
import { SystemLine } from "./SystemLine";

/** What goes on, what needs somebody, and the ways from there. */
export function OverviewScreen() {
  const overview = useOverview();
  const { pools, failures, workflows } = overview;
  if (pools.data === undefined) {
    return (
      <Page title="Overview">
        {pools.isError ? (
          <ErrorNotice error={pools.error} onRetry={() => void pools.refetch()} />
        ) : (
          <Loading lines={8} height={48} />
        )}
      </Page>
    );
  }
  const isNew =
    pools.data.pools.every((pool) => pool.active.count + pool.ready.count + pool.held.count === 0) &&
    failures.data?.groups.length === 0 &&
    failures.data.isWhole &&
    workflows.data?.workflows.length === 0;
  return (
    <Page title="Overview" aside={<Freshness query={pools} />}>
      <ReadNotice query={pools} />
      <Strip pools={pools.data.pools} failures={failures} />
      {isNew ? <FirstJob /> : null}
      <Box
        sx={{
          display: "grid",
          gap: 2,
          gridTemplateColumns: { xs: "minmax(0, 1fr)", lg: "repeat(2, minmax(0, 1fr))" },
        }}
      >
        <Attention overview={overview} />
        <Box sx={{ display: "flex", flexDirection: "column", gap: 2, minWidth: 0 }}>
          <PoolCards pools={pools.data.pools} />
          <RunningWorkflows workflows={workflows} />
          <Panel title="Ended jobs">
            <EndedOfDay enabled={!overview.status.isPending} />
          </Panel>
        </Box>
      </Box>
      <SystemLine status={overview.status} />
    </Page>
  );
}

function FirstJob() {
  return (
    <Panel title="Submit a first job">
      <Empty title={`Nothing runs or waits, and nothing has failed in the last ${FAILED_SINCE}.`}>
        <Command
          text={[
            `echo '{"type": "tidegate.sleep", "parameters": {"seconds": 2}}' > job.json`,
            "tidegate submit job.json --wait",
            "tidegate jobs list --state SUCCEEDED",
          ].join("\n")}
        />
      </Empty>
    </Panel>
  );
}
