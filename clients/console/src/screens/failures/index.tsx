import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { groupFailures, inOrderShown } from "../../domain/failures";
import { sinceMs } from "../../domain/jobFilters";
import { counted } from "../../domain/numbers";
import { NewPill } from "../../shared/arrivals";
import { ChoiceField } from "../../shared/ChoiceField";
import { Freshness } from "../../shared/Freshness";
import { Command, Empty, ErrorNotice, Loading } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { TextLink } from "../../shared/TextLink";
import { useAddress } from "../../shared/useAddress";
import { GroupCard } from "./GroupCard";
import { type Failures, MOST_PAGES, PAGES_AT_ONCE, useFailures } from "./useFailures";

const USUAL = "24h";
const SINCE = [
  ["1h", "the last hour"],
  [USUAL, "the last 24 hours"],
  ["7d", "the last 7 days"],
  ["30d", "the last 30 days"],
] as const;

/** The failed jobs grouped by what failed in the same way, the largest group first. */
export function FailuresScreen() {
  const { search: address, change } = useAddress();
  const since = sinceMs(address.since ?? "") === null ? USUAL : (address.since ?? USUAL);
  // How far somebody looked back belongs to one choice of the time.
  const [looked, setLooked] = useState({ since, pages: PAGES_AT_ONCE });
  const pages = looked.since === since ? looked.pages : PAGES_AT_ONCE;
  const failures = useFailures(since, pages);
  const { data } = failures;
  return (
    <Page title="Failures" aside={<Freshness query={failures} />}>
      <Box>
        <ChoiceField
          label="ended in"
          value={since}
          choices={SINCE}
          onChange={(chosen) => change({ since: chosen === USUAL ? "" : chosen })}
        />
      </Box>
      {failures.isError ? (
        <ErrorNotice error={failures.error} onRetry={() => void failures.refetch()} />
      ) : null}
      {data === undefined ? (
        failures.isError ? null : (
          <Loading lines={4} height={120} />
        )
      ) : (
        <Groups
          key={`${data.since} ${data.most}`}
          data={data}
          stale={failures.isPlaceholderData}
          onFurther={
            data.isWhole || pages >= MOST_PAGES
              ? null
              : () => setLooked({ since, pages: pages + PAGES_AT_ONCE })
          }
        />
      )}
    </Page>
  );
}

function Groups({
  data,
  stale,
  onFurther,
}: {
  data: Failures;
  stale: boolean;
  onFurther: (() => void) | null;
}) {
  const { since } = data;
  const groups = groupFailures(data.jobs);
  const [shown, setShown] = useState<readonly string[]>(() => groups.map((group) => group.id));
  const { groups: kept, waiting } = inOrderShown(groups, shown);
  const count = counted(data.jobs.length, "job");
  const inGroups = `in ${counted(groups.length, "group")} by type and error`;
  if (groups.length === 0) {
    return (
      <Empty title={`No job has failed in the last ${since}.`}>
        <Command text="tidegate jobs list --state FAILED --state TIMED_OUT" />
      </Empty>
    );
  }
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center", minHeight: 32 }}>
        <Typography role="status" variant="body2" color="text.secondary">
          {data.isWhole
            ? `${count} ${inGroups}, that is all`
            : `the newest ${count} ${inGroups}; there are earlier ones`}
        </Typography>
        {onFurther === null ? null : (
          <Button variant="text" disabled={stale} onClick={onFurther}>
            Look further back
          </Button>
        )}
        <TextLink to="/jobs" search={{ state: "FAILED,TIMED_OUT", since, order: "newest" }}>
          all of them as a list
        </TextLink>
        <NewPill waiting={waiting} onShow={() => setShown(groups.map((group) => group.id))} />
      </Box>
      <Box sx={{ display: "flex", flexDirection: "column", gap: 2, opacity: stale ? 0.6 : 1 }}>
        {kept.map((group) => (
          <GroupCard
            key={group.id}
            group={group}
            since={since}
            sinceMs={sinceMs(since) ?? 0}
            fromMs={data.fromMs}
            toMs={data.toMs}
            isWhole={data.isWhole}
          />
        ))}
      </Box>
    </>
  );
}
