import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { useForbidden } from "../../api/me";
import { BULK_ACTS, type BulkAct, STATES_OF_ACT, whyNot } from "../../domain/jobActs";
import { bulkFilterOf, type JobFilters } from "../../domain/jobFilters";
import { ReasonedButton } from "../../shared/ReasonedButton";
import { BulkDialog, type Scope } from "./BulkDialog";
import type { JobRow } from "./useJobList";

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
  const [all, setAll] = useState(false);
  const [open, setOpen] = useState<{ readonly act: BulkAct; readonly scope: Scope } | null>(null);

  const scopeOf = (act: BulkAct): Scope | null => {
    if (!all) return selected.length === 0 ? null : { ids: selected.map((job) => job.job_id) };
    const filter = bulkFilterOf(filters, STATES_OF_ACT[act], Date.now());
    return filter === null ? null : { filter };
  };
  const whyImpossible = (act: BulkAct): string | null => {
    if (forbidden !== null) return forbidden;
    if (all) {
      const some = bulkFilterOf(filters, STATES_OF_ACT[act], 0) !== null;
      return some ? null : "the filter names no state in which this has an effect";
    }
    const reasons = new Set(selected.map((job) => whyNot(act, job)));
    return reasons.has(null) ? null : `none of the selected jobs: ${[...reasons][0] ?? ""}`;
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
        const impossible = whyImpossible(act);
        return (
          <ReasonedButton
            key={act}
            color={act === "cancel" ? "error" : "primary"}
            impossible={impossible}
            onClick={() => {
              const scope = scopeOf(act);
              if (scope !== null) setOpen({ act, scope });
            }}
          >
            {act}…
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
