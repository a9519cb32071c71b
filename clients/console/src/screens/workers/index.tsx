import Box from "@mui/material/Box";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useLive } from "../../api/live";
import { isUnsettled } from "../../domain/gauges";
import { counted } from "../../domain/numbers";
import { plain } from "../../domain/text";
import { ChoiceField } from "../../shared/ChoiceField";
import { Freshness } from "../../shared/Freshness";
import { Command, Empty, Loading, ReadNotice } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { Split } from "../../shared/Panel";
import { usePoolNames, type Worker } from "../../shared/reads";
import { TextLink } from "../../shared/TextLink";
import { type Address, type Search, useAddress } from "../../shared/useAddress";
import { WorkerDetail } from "./WorkerDetail";
import { WorkerTable, WorkerTiles } from "./WorkerLists";

const PAGE = 200;
const STATES = ["ACTIVE", "DRAINING", "INACTIVE", "LOST"] as const;
const ORDERS = ["load", "free", "seen"] as const;

/** Returns the choice that the address names; undefined for any other text. */
function oneOf<T extends string>(choices: readonly T[], text: string | undefined): T | undefined {
  return choices.find((choice) => choice === text);
}

function useWorkers({ pool, state: stateText, order: orderText, cursor }: Search) {
  const api = useApi();
  const state = oneOf(STATES, stateText);
  const order = oneOf(ORDERS, orderText);
  const query = {
    limit: PAGE,
    ...(pool === undefined ? {} : { pool }),
    ...(state === undefined ? {} : { state }),
    ...(order === undefined ? (cursor === undefined ? {} : { cursor }) : { order }),
  };
  return useLive({
    key: ["workers", query],
    read: (signal) => answerOf(api.GET("/v1/workers", { params: { query }, signal })),
    moves: (data) => data.workers.some(isUnsettled),
  });
}

/** The worker processes of all pools, as tiles or as a table, and one of them with its jobs. */
export function WorkersScreen() {
  const { search: address, change } = useAddress();
  const workers = useWorkers(address);
  const { data } = workers;
  const chosen = address.worker;
  const open = (worker: Worker) => change({ worker: `${worker.pool}/${worker.worker_id}` });
  const isFiltered = ["pool", "state", "cursor"].some((name) => address[name] !== undefined);
  return (
    <Page title="Workers" aside={<Freshness query={workers} />}>
      <Filters address={address} change={change} />
      <ReadNotice query={workers} />
      <Split
        detail={
          chosen === undefined ? null : (
            <WorkerDetail
              key={chosen}
              name={chosen}
              listed={data?.workers.find((worker) => `${worker.pool}/${worker.worker_id}` === chosen)}
              onClose={() => change({ worker: "" })}
            />
          )
        }
      >
        {data === undefined ? (
          workers.isError ? null : (
            <Loading />
          )
        ) : data.workers.length === 0 ? (
          <NoWorkers isFiltered={isFiltered} />
        ) : (
          <>
            <Load
              workers={data.workers}
              isWhole={data.cursor === null && data.complete !== false && address.cursor === undefined}
            />
            {address.view === "table" ? (
              <WorkerTable workers={data.workers} current={chosen ?? null} onOpen={open} />
            ) : (
              <WorkerTiles workers={data.workers} current={chosen ?? null} />
            )}
          </>
        )}
        {data?.cursor == null ? null : (
          <p>
            <TextLink to="/workers" search={{ ...withoutEmpty(address), cursor: data.cursor }}>
              the next {PAGE} workers
            </TextLink>
          </p>
        )}
        {data?.complete === false ? (
          <p>There are more workers than the 2,000 that were looked at. Choose a pool.</p>
        ) : null}
      </Split>
    </Page>
  );
}

function withoutEmpty(address: Search): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(address)) if (value !== undefined) found[name] = value;
  return found;
}

function Filters({ address, change }: { address: Search; change: Address["change"] }) {
  const pools = usePoolNames();
  const filter = (name: string) => (value: string) => change({ [name]: value, cursor: "" });
  return (
    <Box component="section" aria-label="filters" sx={{ display: "flex", gap: 1.5, flexWrap: "wrap" }}>
      <ChoiceField
        label="pool"
        value={address.pool ?? ""}
        choices={[["", "all pools"], ...pools.map((pool) => [pool, plain(pool)] as const)]}
        onChange={filter("pool")}
      />
      <ChoiceField
        label="state"
        value={address.state ?? ""}
        choices={[["", "all states"], ...STATES.map((state) => [state, state] as const)]}
        onChange={filter("state")}
      />
      <ChoiceField
        label="order"
        value={address.order ?? ""}
        choices={[
          ["", "pool and id"],
          ["load", "most load first"],
          ["free", "most free slots first"],
          ["seen", "latest heartbeat first"],
        ]}
        onChange={filter("order")}
      />
      <ChoiceField
        label="view"
        value={address.view ?? ""}
        choices={[
          ["", "tiles"],
          ["table", "table"],
        ]}
        onChange={(view) => change({ view })}
      />
    </Box>
  );
}

function Load({ workers, isWhole }: { workers: readonly Worker[]; isWhole: boolean }) {
  const live = workers.filter((worker) => worker.live);
  const sum = (of: (worker: Worker) => number) => live.reduce((so, worker) => so + of(worker), 0);
  const gone = workers.length - live.length;
  return (
    <p style={{ marginTop: 0 }}>
      {isWhole ? "" : "Of these: "}
      {counted(live.length, "live worker")} {live.length === 1 ? "runs" : "run"}{" "}
      {counted(
        sum((worker) => worker.running),
        "job",
      )}{" "}
      in{" "}
      {counted(
        sum((worker) => worker.slots),
        "slot",
      )}
      . {gone.toLocaleString("en")} {gone === 1 ? "is" : "are"} gone or silent.
    </p>
  );
}

function NoWorkers({ isFiltered }: { isFiltered: boolean }) {
  return isFiltered ? (
    <Empty title="No worker fits these filters." />
  ) : (
    <Empty title="No worker process is there. Jobs of a function's pool need none.">
      <Command text="tidegate worker --pool NAME --slots 4" />
    </Empty>
  );
}
