import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import { useQueryClient } from "@tanstack/react-query";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useLive } from "../../api/live";
import type { components } from "../../api/schema";
import { differences, differenceText } from "../../domain/audit";
import { counted } from "../../domain/numbers";
import { plain } from "../../domain/text";
import { madeAtMs } from "../../domain/ulid";
import { NewPill, useArrivals } from "../../shared/arrivals";
import { DetailPanel } from "../../shared/DetailPanel";
import { Freshness } from "../../shared/Freshness";
import { Mark } from "../../shared/Mark";
import { Command, Empty, Loading, ReadNotice } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { Facts, Split } from "../../shared/Panel";
import { TextLink } from "../../shared/TextLink";
import { Ago, Time } from "../../shared/Time";
import { tableHeight } from "../../shared/tableHeight";
import { type Search, useAddress } from "../../shared/useAddress";
import { type Column, VirtualTable } from "../../shared/VirtualTable";
import { AuditFilters } from "./AuditFilters";
import { SubjectLink } from "./SubjectLink";

type Act = components["schemas"]["ActOut"];

const PAGE = 100;
/** How far around an act its neighbours are shown. */
const AROUND_MS = 60_000;
const FILTERS = ["subject", "caller", "from", "to", "cursor"] as const;

const COLUMNS: readonly Column<Act>[] = [
  { id: "at", title: "when", width: "160px", cell: (act) => <Ago at={act.at} /> },
  { id: "act", title: "act", width: "140px", cell: (act) => plain(act.act) },
  {
    id: "subject",
    title: "about",
    width: "minmax(160px, 2fr)",
    cell: (act) => <SubjectLink subject={act.subject} />,
  },
  { id: "caller", title: "caller", width: "minmax(120px, 1fr)", cell: (act) => plain(act.caller.display) },
  { id: "outcome", title: "outcome", width: "150px", cell: (act) => <Outcome act={act} /> },
  {
    id: "change",
    title: "change",
    width: "minmax(180px, 2fr)",
    cell: (act) => plain(changeText(act)) || "-",
  },
];

function changeText(act: Act): string {
  return differences(act.before, act.after).map(differenceText).join(", ");
}

function useActs(address: Search) {
  const api = useApi();
  const query: Record<string, string> = {};
  for (const name of FILTERS) {
    const value = address[name];
    if (value !== undefined) query[name] = value;
  }
  return useLive({
    key: ["audit", query],
    read: (signal) =>
      answerOf(api.GET("/v1/audit", { params: { query: { ...query, limit: PAGE } }, signal })),
    // Acts are never changed, so only the newest page can have more to show.
    isFinal: () => address.cursor !== undefined,
  });
}

/** The acts of callers, newest first. */
export function AuditScreen() {
  const { search: address, change } = useAddress();
  const queries = useQueryClient();
  const acts = useActs(address);
  const { data } = acts;
  const chosen = data?.acts.find((act) => act.id === address.act);
  const isFiltered = FILTERS.some((name) => address[name] !== undefined);
  return (
    <Page title="Audit" aside={<Freshness query={acts} />}>
      <AuditFilters
        address={address}
        apply={(filters) => {
          change({ ...filters, cursor: "", act: "" });
          void queries.invalidateQueries({ queryKey: ["audit"] });
        }}
      />
      <ReadNotice query={acts} />
      {data !== undefined && chosen === undefined && address.act !== undefined ? (
        <Elsewhere id={address.act} />
      ) : null}
      {data === undefined ? (
        acts.isError ? null : (
          <Loading />
        )
      ) : (
        <Split
          detail={
            chosen === undefined ? null : <ActDetail act={chosen} onClose={() => change({ act: "" })} />
          }
        >
          {data.acts.length === 0 ? (
            <NoActs isFiltered={isFiltered} isEnd={data.cursor === null} />
          ) : (
            <Acts
              acts={data.acts}
              of={JSON.stringify(FILTERS.map((name) => address[name] ?? null))}
              stale={acts.isPlaceholderData}
              current={address.act ?? null}
              onOpen={(act) => change({ act: act.id })}
            />
          )}
          <p>
            {counted(data.acts.length, "act")} of at most {PAGE} a page.{" "}
            {data.looked_back_to === null ? null : (
              <>
                This page looked back to <Time at={data.looked_back_to} />.{" "}
              </>
            )}
            {data.cursor === null ? (
              "There are no earlier ones."
            ) : (
              <TextLink to="/audit" search={older(address, data.cursor)}>
                look further back
              </TextLink>
            )}
          </p>
        </Split>
      )}
    </Page>
  );
}

/** Says that the act of the address is not among those of this page, and leads to it. */
function Elsewhere({ id }: { id: string }) {
  const atMs = madeAtMs(id);
  return (
    <Alert severity="info">
      The act that this address names is not on this page.{" "}
      {atMs === null ? (
        "Its id is malformed: open the act from the list, and copy that address."
      ) : (
        <>
          It was done at <Time at={isoOf(atMs)} />:{" "}
          <TextLink
            to="/audit"
            search={{ act: id, from: isoOf(atMs - AROUND_MS), to: isoOf(atMs + AROUND_MS) }}
          >
            show the acts around it
          </TextLink>
          .
        </>
      )}
    </Alert>
  );
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** The rows. New acts wait until they are called, so that no row moves while somebody reads. */
function Acts({
  acts,
  of,
  stale,
  current,
  onOpen,
}: {
  acts: readonly Act[];
  of: string;
  stale: boolean;
  current: string | null;
  onOpen: (act: Act) => void;
}) {
  const { shown, waiting, show } = useArrivals(acts, of, (act) => act.id, stale);
  return (
    <>
      <Box sx={{ minHeight: 36, textAlign: "right" }}>
        <NewPill waiting={waiting} onShow={show} />
      </Box>
      <VirtualTable
        label="acts, newest first"
        rows={shown}
        columns={COLUMNS}
        rowId={(act) => act.id}
        onOpen={onOpen}
        current={current}
        height={tableHeight(shown.length)}
      />
    </>
  );
}

function older(address: Search, cursor: string): Record<string, string> {
  const search: Record<string, string> = {};
  for (const name of FILTERS) {
    const value = address[name];
    if (value !== undefined) search[name] = value;
  }
  return { ...search, cursor };
}

function NoActs({ isFiltered, isEnd }: { isFiltered: boolean; isEnd: boolean }) {
  if (!isEnd) {
    return (
      <Empty title="No act in the time that this page looked at.">
        Look further back, or clear one of the filters.
      </Empty>
    );
  }
  return isFiltered ? (
    <Empty title="No act fits these filters.">Clear one of them to see more.</Empty>
  ) : (
    <Empty title="Nobody has done anything yet.">
      <Command text="tidegate audit" />
    </Empty>
  );
}

function Outcome({ act }: { act: Act }) {
  if (act.outcome === "done") {
    return (
      <Mark icon="done" tone="good">
        done
      </Mark>
    );
  }
  if (act.outcome === "asked") {
    return (
      <Mark icon="pending" tone="wait">
        asked
      </Mark>
    );
  }
  return (
    <Mark icon={act.outcome === "refused" ? "cancelled" : "failed"} tone="bad">
      {plain(act.outcome)}
      {act.code === null ? "" : `: ${plain(act.code)}`}
    </Mark>
  );
}

function ActDetail({ act, onClose }: { act: Act; onClose: () => void }) {
  const changes = differences(act.before, act.after);
  return (
    <DetailPanel title={plain(act.act)} onClose={onClose}>
      <Facts
        rows={[
          ["when", <Time key="when" at={act.at} />],
          ["ended", <Time key="ended" at={act.ended_at} />],
          ["about", <SubjectLink key="about" subject={act.subject} />],
          [
            "more of it",
            <TextLink key="more" to="/audit" search={{ subject: act.subject }}>
              all acts on it
            </TextLink>,
          ],
          ["outcome", <Outcome key="outcome" act={act} />],
          [
            "changed",
            changes.length === 0 ? (
              "nothing"
            ) : (
              <ul key="changed" style={{ margin: 0, paddingLeft: 18 }}>
                {changes.map((each) => (
                  <li key={each.field}>{plain(differenceText(each))}</li>
                ))}
              </ul>
            ),
          ],
          ["caller", plain(act.caller.subject ?? act.caller.display)],
          ["known by", plain(act.caller.kind)],
          [
            "more by them",
            act.caller.subject === null ? (
              "-"
            ) : (
              <TextLink key="by" to="/audit" search={{ caller: act.caller.subject }}>
                all acts of the caller
              </TextLink>
            ),
          ],
          ["route", plain(act.route)],
          ["id", act.id],
        ]}
      />
      {act.outcome === "asked" ? (
        <p>No outcome was recorded: the act was carried out, or it was not.</p>
      ) : null}
    </DetailPanel>
  );
}
