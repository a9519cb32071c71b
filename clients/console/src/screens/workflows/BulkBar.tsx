import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { useForbidden } from "../../api/me";
import { WORKFLOW_ACTS, type WorkflowAct, whyNotWorkflow } from "../../domain/workflowActs";
import { ReasonedButton } from "../../shared/ReasonedButton";
import { BulkDialog } from "./BulkDialog";
import type { WorkflowRow } from "./columns";

/** What may be done with the selected workflows. It has its place before any is selected, so that no row moves. */
export function BulkBar({ selected, onClear }: { selected: readonly WorkflowRow[]; onClear: () => void }) {
  const forbidden = useForbidden("client");
  const [open, setOpen] = useState<{
    readonly act: WorkflowAct;
    readonly rows: readonly WorkflowRow[];
  } | null>(null);
  const whyImpossible = (act: WorkflowAct): string | null => {
    if (forbidden !== null) return forbidden;
    const reasons = new Set(selected.map((row) => whyNotWorkflow(act, row)));
    return reasons.has(null) ? null : `none of the selected workflows: ${[...reasons][0] ?? ""}`;
  };
  return (
    <Box
      role="region"
      aria-label="acts on many workflows"
      sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, minHeight: 36 }}
    >
      {selected.length === 0 ? (
        <Typography variant="body2" color="text.secondary">
          Select workflows to cancel, rerun or hold them together.
        </Typography>
      ) : (
        <>
          <Typography role="status" sx={{ fontWeight: 600 }}>
            {selected.length} selected
          </Typography>
          {WORKFLOW_ACTS.map((act) => (
            <ReasonedButton
              key={act}
              color={act === "cancel" ? "error" : "primary"}
              impossible={whyImpossible(act)}
              onClick={() => setOpen({ act, rows: selected })}
            >
              {act}…
            </ReasonedButton>
          ))}
          <Button variant="text" onClick={onClear}>
            Select none
          </Button>
        </>
      )}
      {open === null ? null : <BulkDialog act={open.act} rows={open.rows} onClose={() => setOpen(null)} />}
    </Box>
  );
}
