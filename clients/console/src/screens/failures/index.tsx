import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { commandOf } from "../../domain/commands";
import { inOrderShown } from "../../domain/failureGroups";
import { sinceMs } from "../../domain/jobFilters";
import { counted } from "../../domain/numbers";
import { NewPill } from "../../shared/arrivals";
import { ChoiceField } from "../../shared/ChoiceField";
import { Freshness } from "../../shared/Freshness";
import { Command, Empty, Loading, ReadNotice } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { TextLink } from "../../shared/TextLink";
import { useAddress } from "../../shared/useAddress";
import { GroupCard } from "./GroupCard";
import { type Failures, MOST_PAGES, useFailures } from "./useFailures";

const USUAL = "24h";
const SINCE = [
  ["1h", "the last hour"],
  [USUAL, "the last 24 hours"],
  ["7d", "the last 7 days"],
  ["30d", "the last 30 days"],
] as const;

const MUTED = [
  ["false", "left out"],
  ["true", "shown too"],
] as const;

/** The failed jobs grouped by what failed in the same way, the largest group first. */
export function FailuresScreen() {
  const { search: address, change } = useAddress();
  const since = sinceMs(address.since ?? "") === null ? USUAL : (address.since ?? USUAL);
  const withMuted = address.muted === "true";
  // How far somebody looked back belongs to one choice of the time.
  const [looked, setLooked] = useState({ since, most: 1 });
  const most = looked.since === since ? looked.most : 1;
  const failures = useFailures({ since, withMuted, most });
  const { data } = failures;
  return (
    <Page title="Failures" aside={<Freshness query={failures} />}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1.5 }}>
        <ChoiceField
          label="ended in"
          value={since}
          choices={SINCE}
          onChange={(chosen) => change({ since: chosen === USUAL ? "" : chosen })}
        />
        <ChoiceField
          label="muted groups"
          value={String(withMuted)}
          choices={MUTED}
          onChange={(chosen) => change({ muted: chosen === "true" ? chosen : "" })}
        />
      </Box>
      <ReadNotice query={failures} />
      {data === undefined ? (
        failures.isError ? null : (
          <Loading lines={4} height={120} />
        )
      ) : (
        <Groups
          key={JSON.stringify(data.asked)}
          data={data}
          stale={failures.isPlaceholderData}
          onFurther={data.isWhole || most >= MOST_PAGES ? null : () => setLooked({ since, most: most + 1 })}
        />
      )}
    </Page>
  );
}

function summaryOf({ groups, isWhole, leavesOut }: Failures): string {
  if (groups.length === 0 && isWhole) return "all groups of failed jobs are muted";
  const count = counted(
    groups.reduce((sum, group) => sum + group.count, 0),
    "job",
  );
  const found = `${count} in ${counted(groups.length, "group")} by cause`;
  const muted = leavesOut ? "; muted groups are left out" : "";
  return isWhole ? `${found}, that is all${muted}` : `the newest ${found}; there are earlier ones${muted}`;
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
  const { groups, isWhole, leavesOut } = data;
  const { since } = data.asked;
  const [shown, setShown] = useState<readonly string[]>(() => groups.map((group) => group.fingerprint));
  const { groups: kept, waiting } = inOrderShown(groups, shown);
  if (groups.length === 0 && isWhole && !leavesOut) {
    return (
      <Empty title={`No job has failed in the last ${since}.`}>
        <Command text={commandOf(["tidegate", "failures", "list", "--since", since])} />
      </Empty>
    );
  }
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center", minHeight: 32 }}>
        <Typography role="status" variant="body2" color="text.secondary">
          {summaryOf(data)}
        </Typography>
        {onFurther === null ? null : (
          <Button variant="text" disabled={stale} onClick={onFurther}>
            Look further back
          </Button>
        )}
        <TextLink to="/jobs" search={{ state: "FAILED,TIMED_OUT", since, order: "newest" }}>
          all of them as a list
        </TextLink>
        <NewPill waiting={waiting} onShow={() => setShown(groups.map((group) => group.fingerprint))} />
      </Box>
      <Box sx={{ display: "flex", flexDirection: "column", gap: 2, opacity: stale ? 0.6 : 1 }}>
        {kept.map((group) => (
          <GroupCard
            key={group.fingerprint}
            group={group}
            since={since}
            fromMs={data.fromMs}
            toMs={data.toMs}
            isWhole={isWhole}
            isOnePage={data.pages === 1}
          />
        ))}
      </Box>
    </>
  );
}
