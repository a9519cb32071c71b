import Box from "@mui/material/Box";
import { plain } from "../../domain/text";
import { WorkerMark } from "../../shared/Mark";
import type { Worker } from "../../shared/reads";
import { TextLink } from "../../shared/TextLink";
import { Ago } from "../../shared/Time";
import { tableHeight } from "../../shared/tableHeight";
import { useAddress } from "../../shared/useAddress";
import { type Column, VirtualTable } from "../../shared/VirtualTable";
import { Slots } from "./Slots";

function nameOf(worker: Worker): string {
  return worker.name === null ? worker.worker_id : `${worker.name} (${worker.worker_id})`;
}

const COLUMNS: readonly Column<Worker>[] = [
  { id: "pool", title: "pool", width: "minmax(90px, 1fr)", cell: (worker) => plain(worker.pool) },
  { id: "id", title: "worker", width: "minmax(140px, 2fr)", cell: (worker) => plain(nameOf(worker)) },
  {
    id: "state",
    title: "state",
    width: "150px",
    cell: (worker) => <WorkerMark worker={worker} />,
  },
  {
    id: "slots",
    title: "taken",
    width: "90px",
    align: "right",
    cell: (worker) => `${worker.running} of ${worker.slots}`,
  },
  { id: "seen", title: "heartbeat", width: "150px", cell: (worker) => <Ago at={worker.heartbeat_at} /> },
  {
    id: "done",
    title: "succeeded",
    width: "95px",
    align: "right",
    cell: (worker) => worker.succeeded.toLocaleString("en"),
  },
  {
    id: "failed",
    title: "failed",
    width: "75px",
    align: "right",
    cell: (worker) => worker.failed.toLocaleString("en"),
  },
  { id: "host", title: "host", width: "minmax(120px, 1fr)", cell: (worker) => plain(worker.host) },
];

/** Workers as rows. */
export function WorkerTable({
  workers,
  current,
  onOpen,
}: {
  workers: readonly Worker[];
  current: string | null;
  onOpen: (worker: Worker) => void;
}) {
  return (
    <VirtualTable
      label="workers"
      rows={workers}
      columns={COLUMNS}
      rowId={(worker) => `${worker.pool}/${worker.worker_id}`}
      onOpen={onOpen}
      current={current}
      height={tableHeight(workers.length)}
    />
  );
}

/** Workers as tiles, with a dot for each slot. */
export function WorkerTiles({ workers, current }: { workers: readonly Worker[]; current: string | null }) {
  const { search: address } = useAddress();
  return (
    <Box
      component="ul"
      aria-label="workers"
      sx={{
        display: "grid",
        gap: 1,
        gridTemplateColumns: "repeat(auto-fill, minmax(220px, 1fr))",
        m: 0,
        p: 0,
      }}
    >
      {workers.map((worker) => {
        const id = `${worker.pool}/${worker.worker_id}`;
        return (
          <Box
            component="li"
            key={id}
            sx={{
              listStyle: "none",
              border: 1,
              borderColor: current === id ? "primary.main" : "divider",
              borderRadius: 1,
              bgcolor: "background.paper",
              p: 1.5,
              minWidth: 0,
              fontSize: "0.85rem",
            }}
          >
            <TextLink
              to="/workers"
              search={{
                ...Object.fromEntries(Object.entries(address).filter(([, value]) => value !== undefined)),
                worker: id,
              }}
              resetScroll={false}
              aria-current={current === id ? "true" : undefined}
              sx={{ fontWeight: 600, overflowWrap: "anywhere" }}
            >
              {plain(nameOf(worker))}
            </TextLink>
            <Box sx={{ color: "text.secondary", overflowWrap: "anywhere" }}>
              {plain(worker.pool)} on {plain(worker.host)}
            </Box>
            <WorkerMark worker={worker} />
            <Slots worker={worker} />
            <Box sx={{ color: "text.secondary" }}>
              heartbeat <Ago at={worker.heartbeat_at} />
            </Box>
          </Box>
        );
      })}
    </Box>
  );
}
