import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { useForbidden } from "../../api/me";
import { BULK_ACTS, type BulkAct, reachOf, STATES_OF_ACT } from "../../domain/jobActs";
import { bulkFilterOf, type JobFilters } from "../../domain/jobFilters";
import { ReasonedButton } from "../../shared/ReasonedButton";
import { BulkDialog, type Scope } from "./BulkDialog";
import type { JobRow } from "./useJobList";

/** One act as the bar shows it: how many jobs it can reach, why it is not possible, and why it leaves some. */
interface Part {
  readonly label: string;
  readonly impossible: string | null;
  readonly left: string;
}

/** What may be done with the selected jobs, or with all that the filter names. */
export function BulkBar({
  filters,
  selected,
  onClear,
}: {
  filters: JobFilters;
  selected: readonly JobRow[];
  onClear: () => void;
}) {
  const forbidden = useForbidden("client");
  const [wantsAll, setAll] = useState(false);
  // A selection is meant to be acted on, and not the whole list behind it.
  const all = wantsAll && selected.length === 0;
  const [open, setOpen] = useState<{ readonly act: BulkAct; readonly scope: Scope } | null>(null);

  const scopeOf = (act: BulkAct): Scope | null => {
    if (!all) return selected.length === 0 ? null : { ids: selected.map((job) => job.job_id) };
    const filter = bulkFilterOf(filters, STATES_OF_ACT[act], Date.now());
    return filter === null ? null : { filter };
  };
  const partOf = (act: BulkAct): Part => {
    if (forbidden !== null) return { label: act, impossible: forbidden, left: "" };
    if (all) {
      const some = bulkFilterOf(filters, STATES_OF_ACT[act], 0) !== null;
      const impossible = some ? null : "the filter names no state in which this has an effect";
      return { label: act, impossible, left: "" };
    }
    const { can, reasons } = reachOf(act, selected);
    if (can === 0) {
      return {
        label: act,
        impossible: `none of the selected jobs: ${reasons[0]?.reason ?? ""}`,
        left: "",
      };
    }
    return {
      label: can === selected.length ? `${act} ${can}` : `${act} ${can} of ${selected.length}`,
      impossible: null,
      left: reasons.map(({ reason, count }) => `${count} can't: ${reason}`).join("; "),
    };
  };
  const dialog =
    open === null ? null : <BulkDialog act={open.act} scope={open.scope} onClose={() => setOpen(null)} />;

  if (!all && selected.length === 0) {
    return (
      <>
        <Button variant="text" onClick={() => setAll(true)} sx={{ alignSelf: "flex-start" }}>
          Act on all jobs that the filter names
        </Button>
        {dialog}
      </>
    );
  }
  return (
    <Box
      role="region"
      aria-label="acts on many jobs"
      sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1 }}
    >
      <Typography role="status" sx={{ fontWeight: 600 }}>
        {all ? "all jobs that the filter names" : `${selected.length} selected`}
      </Typography>
      {BULK_ACTS.map((act) => {
        const { label, impossible, left } = partOf(act);
        return (
          <ReasonedButton
            key={act}
            color={act === "cancel" ? "error" : "primary"}
            impossible={impossible}
            hint={left}
            onClick={() => {
              const scope = scopeOf(act);
              if (scope !== null) setOpen({ act, scope });
            }}
          >
            {label}…
          </ReasonedButton>
        );
      })}
      <Button
        variant="text"
        onClick={() => {
          setAll(false);
          onClear();
        }}
      >
        {all ? "Act on none" : "Select none"}
      </Button>
      {dialog}
    </Box>
  );
}
