import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Chip from "@mui/material/Chip";
import { WORKFLOW_STATES } from "../../domain/states";
import { ChoiceField } from "../../shared/ChoiceField";
import { TextFilter, TimeFilter } from "../../shared/FilterField";
import { Folded } from "../../shared/Folded";
import { StateMark } from "../../shared/StateMark";
import type { Address, Search } from "../../shared/useAddress";
import { VERDICT_CHOICES } from "../../shared/Verdict";

const FILTERS = ["state", "name", "tag", "submitted_by", "from", "to", "verdict"] as const;

/** Returns the states that an address names, without those that no workflow can have. */
export function statesIn(search: Search): readonly string[] {
  const named = (search.state ?? "").split(",");
  return WORKFLOW_STATES.filter((state) => named.includes(state));
}

/** The filters of the list, each of which stands in the address. Changing one goes back to the newest page. */
export function Filters({ search, change }: Address) {
  const chosen = statesIn(search);
  const set = (name: string, value: string) => change({ [name]: value, cursor: undefined });
  const toggle = (state: string) =>
    set("state", WORKFLOW_STATES.filter((each) => (each === state) !== chosen.includes(each)).join(","));
  const filtered = FILTERS.some((name) => (search[name] ?? "") !== "");
  const typed = FILTERS.some((name) => name !== "state" && (search[name] ?? "") !== "");
  return (
    <Box role="search" aria-label="filters" sx={{ display: "flex", flexDirection: "column", gap: 1.5 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
        {WORKFLOW_STATES.map((state) => (
          <Chip
            key={state}
            label={<StateMark state={state} />}
            variant={chosen.includes(state) ? "filled" : "outlined"}
            aria-pressed={chosen.includes(state)}
            onClick={() => toggle(state)}
          />
        ))}
        {filtered ? (
          <Button
            variant="text"
            onClick={() =>
              change({
                ...Object.fromEntries(FILTERS.map((name) => [name, undefined])),
                cursor: undefined,
              })
            }
          >
            Clear all filters
          </Button>
        ) : null}
      </Box>
      <Folded summary="More filters" open={typed}>
        <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1.5 }}>
          <TextFilter
            label="name begins with"
            value={search.name ?? ""}
            onChange={(value) => set("name", value)}
          />
          <TextFilter
            label="tag, as name=value"
            value={search.tag ?? ""}
            onChange={(value) => set("tag", value)}
          />
          <TextFilter
            label="submitted by (subject)"
            value={search.submitted_by ?? ""}
            onChange={(value) => set("submitted_by", value)}
          />
          <TimeFilter
            label="submitted from"
            value={search.from ?? ""}
            onChange={(value) => set("from", value)}
          />
          <TimeFilter label="submitted to" value={search.to ?? ""} onChange={(value) => set("to", value)} />
          <ChoiceField
            label="time to finish by"
            value={search.verdict ?? ""}
            choices={VERDICT_CHOICES}
            onChange={(value) => set("verdict", value)}
          />
        </Box>
      </Folded>
    </Box>
  );
}
