import { countText, gaugeOf } from "../../domain/gauges";
import { plain } from "../../domain/text";
import { EndsNote, endsColumn, useEndsOfRows } from "../../shared/EndsOfRows";
import { Freshness } from "../../shared/Freshness";
import { Mark } from "../../shared/Mark";
import { Command, Empty, Loading, ReadNotice } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { Split } from "../../shared/Panel";
import { type Pool, usePools } from "../../shared/reads";
import { tableHeight } from "../../shared/tableHeight";
import { useAddress } from "../../shared/useAddress";
import { type Column, VirtualTable } from "../../shared/VirtualTable";
import { PoolDetail } from "./PoolDetail";

const NAME: Column<Pool> = {
  id: "name",
  title: "pool",
  width: "minmax(120px, 2fr)",
  cell: (pool) => plain(pool.name),
};
const LOAD_AND_STATE: readonly Column<Pool>[] = [
  { id: "load", title: "load", width: "minmax(150px, 2fr)", cell: (pool) => gaugeOf(pool).text },
  { id: "ready", title: "ready", width: "80px", align: "right", cell: (pool) => countText(pool.ready) },
  { id: "held", title: "held", width: "80px", align: "right", cell: (pool) => countText(pool.held) },
  {
    id: "workers",
    title: "workers",
    width: "90px",
    align: "right",
    cell: (pool) => (pool.kind === "process" ? pool.workers.toLocaleString("en") : "-"),
  },
  { id: "state", title: "state", width: "minmax(190px, 2fr)", cell: (pool) => <PoolState pool={pool} /> },
];

/** All pools with their load, and one of them with its shares and rules. */
export function PoolsScreen() {
  const { search: address, change } = useAddress();
  const pools = usePools();
  const all = pools.data?.pools;
  const chosen = address.pool;
  // Beside an open pool, which shows its own ends, the list has no room for them.
  const isAlone = chosen === undefined;
  const ends = useEndsOfRows("pool", isAlone && all !== undefined && all.length > 0);
  const columns = [
    NAME,
    ...(isAlone ? [endsColumn(ends.data, "pool", (each: Pool) => each.name)] : []),
    ...LOAD_AND_STATE,
  ];
  const pool = all?.find((each) => each.name === chosen);
  const close = () => change({ pool: "" });
  return (
    <Page title="Pools" aside={<Freshness query={pools} />}>
      <ReadNotice query={pools} />
      {all === undefined ? (
        pools.isError ? null : (
          <Loading />
        )
      ) : all.length === 0 ? (
        <Empty title="The deployment has no pool.">
          <Command text="tidegate pools list" />
        </Empty>
      ) : (
        <Split
          detail={
            chosen === undefined ? null : pool === undefined ? (
              <Empty title={`No pool is named ${plain(chosen)}.`} />
            ) : (
              <PoolDetail key={pool.name} pool={pool} onClose={close} />
            )
          }
        >
          <VirtualTable
            label="pools"
            rows={all}
            columns={columns}
            rowId={(each) => each.name}
            onOpen={(each) => change({ pool: each.name })}
            current={chosen ?? null}
            height={tableHeight(all.length)}
          />
          {isAlone ? <EndsNote query={ends} by="pool" /> : null}
        </Split>
      )}
    </Page>
  );
}

function PoolState({ pool }: { pool: Pool }) {
  if (pool.paused) {
    return (
      <Mark icon="held" tone="wait">
        paused
      </Mark>
    );
  }
  if (pool.fault !== "") {
    return (
      <Mark icon="warning" tone="bad">
        fault
      </Mark>
    );
  }
  if (!pool.deployed) {
    return (
      <Mark icon="warning" tone="wait">
        removed by a deploy
      </Mark>
    );
  }
  return pool.capacity > 0 ? (
    <Mark icon="done" tone="good">
      open
    </Mark>
  ) : (
    <Mark icon="warning" tone="wait">
      no capacity
    </Mark>
  );
}
