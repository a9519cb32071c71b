import TextField from "@mui/material/TextField";
import { plain } from "../../domain/text";
import { EndsNote, endsColumn, useEndsOfRows } from "../../shared/EndsOfRows";
import { Freshness } from "../../shared/Freshness";
import { Mark } from "../../shared/Mark";
import { Command, Empty, Loading, ReadNotice } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { Split } from "../../shared/Panel";
import { type JobType, useTypes } from "../../shared/reads";
import { tableHeight } from "../../shared/tableHeight";
import { useAddress } from "../../shared/useAddress";
import { type Column, VirtualTable } from "../../shared/VirtualTable";
import { TypeDetail } from "./TypeDetail";

const NAME: Column<JobType> = {
  id: "type",
  title: "type",
  width: "minmax(160px, 2fr)",
  cell: (type) => plain(type.type),
};
const RULES: readonly Column<JobType>[] = [
  { id: "says", title: "does", width: "minmax(160px, 3fr)", cell: (type) => plain(type.description ?? "-") },
  {
    id: "limit",
    title: "at once",
    width: "90px",
    align: "right",
    cell: (type) => type.max_running?.toLocaleString("en") ?? "no limit",
  },
  { id: "state", title: "state", width: "minmax(190px, 2fr)", cell: (type) => <TypeState type={type} /> },
];

/** All job types with their rules, and one of them with its parameters. */
export function TypesScreen() {
  const { search: address, change } = useAddress();
  const types = useTypes();
  const wanted = (address.q ?? "").toLowerCase();
  const all = types.data?.types;
  const rows = all?.filter((type) => `${type.type} ${type.description ?? ""}`.toLowerCase().includes(wanted));
  const chosen = address.type;
  // Beside an open type, which shows its own ends, the list has no room for them.
  const isAlone = chosen === undefined;
  const ends = useEndsOfRows("type", isAlone && all !== undefined && all.length > 0);
  const ended = endsColumn(ends.data, "type", (each: JobType) => each.type);
  const columns = [NAME, ...(isAlone ? [ended] : []), ...RULES];
  return (
    <Page title="Job types" aside={<Freshness query={types} />}>
      <TextField
        label="part of a name or description"
        value={address.q ?? ""}
        onChange={(event) => change({ q: event.target.value }, { replace: true })}
        slotProps={{ htmlInput: { "data-search": true } }}
        sx={{ maxWidth: 360 }}
      />
      <ReadNotice query={types} />
      {rows === undefined ? (
        types.isError ? null : (
          <Loading />
        )
      ) : all?.length === 0 ? (
        <Empty title="The deployment has no job type.">
          Write job code, and look whether a worker would load it:
          <Command text="tidegate types check" />
        </Empty>
      ) : (
        <Split
          detail={
            chosen === undefined ? null : (
              <TypeDetail key={chosen} name={chosen} onClose={() => change({ type: "" })} />
            )
          }
        >
          {rows.length === 0 ? <Empty title="No type has this text." /> : null}
          <VirtualTable
            label="job types"
            rows={rows}
            columns={columns}
            rowId={(type) => type.type}
            onOpen={(type) => change({ type: type.type })}
            current={chosen ?? null}
            height={tableHeight(rows.length)}
          />
          {isAlone ? <EndsNote query={ends} by="type" /> : null}
        </Split>
      )}
    </Page>
  );
}

function TypeState({ type }: { type: JobType }) {
  if (type.paused) {
    return (
      <Mark icon="held" tone="wait">
        paused
      </Mark>
    );
  }
  return type.deployed ? (
    <Mark icon="done" tone="good">
      open
    </Mark>
  ) : (
    <Mark icon="warning" tone="wait">
      removed by a deploy
    </Mark>
  );
}
