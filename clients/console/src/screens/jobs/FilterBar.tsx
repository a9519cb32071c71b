import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Checkbox from "@mui/material/Checkbox";
import Chip from "@mui/material/Chip";
import FormControlLabel from "@mui/material/FormControlLabel";
import TextField from "@mui/material/TextField";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useRef, useState } from "react";
import {
  addressOf,
  chipsOf,
  filtersOf,
  idOf,
  type JobFilters,
  joined,
  ORDERS,
  type Order,
  parted,
  sinceMs,
} from "../../domain/jobFilters";
import { JOB_STATES, TERMINAL } from "../../domain/states";
import { plain, shortened } from "../../domain/text";
import { timeText, zoneName } from "../../domain/times";
import { instantOf } from "../../domain/wallClock";
import { StateMark } from "../../shared/StateMark";
import { useSettings } from "../../shared/settings";
import { VERDICT_CHOICES } from "../../shared/Verdict";

const ORDER_NAMES: Readonly<Record<Order, string>> = {
  state: "by state",
  newest: "newest first",
  oldest: "oldest first",
  priority: "by priority",
};
const GROUPS = [
  ["all", []],
  ["active", JOB_STATES.filter((state) => !TERMINAL.has(state))],
  ["without success", ["FAILED", "TIMED_OUT"]],
] as const;

interface FilterBarProps {
  readonly filters: JobFilters;
  readonly onChange: (filters: JobFilters) => void;
}

/** The search, the states, the other filters as chips that can be removed, and the order. */
export function FilterBar({ filters, onChange }: FilterBarProps) {
  const [open, setOpen] = useState(false);
  const more = useRef<HTMLButtonElement>(null);
  return (
    <Box component="section" aria-label="filters" sx={{ display: "flex", flexDirection: "column", gap: 1 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
        <Search filters={filters} onChange={onChange} />
        <TextField
          select
          label="order"
          value={filters.order}
          onChange={(event) => {
            const order = ORDERS.find((each) => each === event.target.value);
            if (order !== undefined) onChange({ ...filters, order });
          }}
          slotProps={{ select: { native: true } }}
          sx={{ minWidth: 140 }}
        >
          {ORDERS.map((order) => (
            <option key={order} value={order}>
              {ORDER_NAMES[order]}
            </option>
          ))}
        </TextField>
        <Button ref={more} variant="outlined" aria-expanded={open} onClick={() => setOpen(!open)}>
          More filters
        </Button>
      </Box>
      <States filters={filters} onChange={onChange} />
      {open ? (
        <MoreFilters
          key={JSON.stringify(addressOf(filters))}
          filters={filters}
          onChange={(changed) => {
            setOpen(false);
            // The form goes, so the focus would be lost with it.
            more.current?.focus();
            onChange(changed);
          }}
        />
      ) : null}
      <Chips filters={filters} onChange={onChange} />
    </Box>
  );
}

function Search({ filters, onChange }: FilterBarProps) {
  const navigate = useNavigate();
  const name = filters.name ?? "";
  const [typed, setTyped] = useState({ text: name, of: name });
  // Where the address changes by itself, as by "back", the field follows it, and keeps the focus.
  if (typed.of !== name) setTyped({ text: name, of: name });
  const search = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const text = typed.text.trim();
    const id = idOf(text);
    if (id !== null) {
      void navigate({ to: "/jobs/$jobId", params: { jobId: id } });
      return;
    }
    const { name: _name, ...others } = filters;
    onChange(text === "" ? others : { ...others, name: text });
  };
  return (
    <Box component="form" role="search" onSubmit={search} sx={{ flex: "1 1 240px", maxWidth: 480 }}>
      <TextField
        label="beginning of a name, or an id"
        value={typed.text}
        onChange={(event) => setTyped({ text: event.target.value, of: name })}
        fullWidth
        slotProps={{ htmlInput: { "data-search": "", autoComplete: "off", maxLength: 256 } }}
      />
    </Box>
  );
}

function States({ filters, onChange }: FilterBarProps) {
  const chosen = new Set<string>(filters.states);
  return (
    <Box
      role="group"
      aria-label="states"
      sx={{ display: "flex", flexWrap: { md: "wrap" }, gap: 0.75, overflowX: "auto", pb: 0.5 }}
    >
      {GROUPS.map(([name, states]) => {
        const pressed =
          states.length === filters.states.length && states.every((state: string) => chosen.has(state));
        return (
          <Chip
            key={name}
            component="button"
            label={name}
            aria-pressed={pressed}
            clickable
            variant={pressed ? "filled" : "outlined"}
            onClick={() => onChange({ ...filters, states: [...states] })}
          />
        );
      })}
      {JOB_STATES.map((state) => (
        <Chip
          key={state}
          component="button"
          label={<StateMark state={state} />}
          aria-pressed={chosen.has(state)}
          clickable
          variant={chosen.has(state) ? "filled" : "outlined"}
          onClick={() =>
            onChange({
              ...filters,
              states: JOB_STATES.filter((each) => (each === state ? !chosen.has(each) : chosen.has(each))),
            })
          }
        />
      ))}
    </Box>
  );
}

/** Moves the focus to the search: what was pressed goes, so the focus would be lost with it. */
function toSearch(): void {
  document.querySelector<HTMLElement>("[data-search]")?.focus();
}

function Chips({ filters, onChange }: FilterBarProps) {
  const { zone } = useSettings();
  const chips = chipsOf(filters);
  if (chips.length === 0) return null;
  return (
    <Box
      component="ul"
      aria-label="filters that are set"
      sx={{ display: "flex", flexWrap: "wrap", gap: 0.75, m: 0, p: 0, listStyle: "none" }}
    >
      {chips.map((chip) => {
        const isTime = chip.id === "from" || chip.id === "to";
        const value = isTime ? `${timeText(chip.value, zone)} ${zoneName(zone)}` : plain(chip.value);
        const label = `${chip.name} ${shortened(value, 60)}`;
        return (
          <li key={chip.id}>
            <Chip
              component="button"
              clickable
              label={`${label} ×`}
              aria-label={`remove the filter ${label}`}
              title={value}
              onClick={() => {
                onChange(chip.without);
                toSearch();
              }}
            />
          </li>
        );
      })}
      <li>
        <Button
          variant="text"
          onClick={() => {
            onChange({ ...filtersOf({}), order: filters.order });
            toSearch();
          }}
        >
          Remove all
        </Button>
      </li>
    </Box>
  );
}

const FIELDS = [
  ["pool", "pool"],
  ["type", "type"],
  ["workflow", "id of a workflow"],
  ["worker", "id of a worker"],
  ["key", "beginning of a key"],
  ["error", "error code"],
  ["failure", "fingerprint of a failure group"],
  ["submitted_by", "submitted by (whole subject)"],
] as const;

/** The filters that few people need at once, applied together. */
function MoreFilters({ filters, onChange }: FilterBarProps) {
  const { zone } = useSettings();
  const [wrong, setWrong] = useState<ReadonlySet<string>>(new Set());
  const apply = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const from = text("from") === "" ? "" : instantOf(text("from"), zone);
    const to = text("to") === "" ? "" : instantOf(text("to"), zone);
    const faults = new Set([
      ...(from === null ? ["from"] : []),
      ...(to === null ? ["to"] : []),
      ...(text("since") !== "" && sinceMs(text("since")) === null ? ["since"] : []),
      ...(text("tag") !== "" && parted(text("tag")).some((tag) => tag.indexOf("=") < 1) ? ["tag"] : []),
      ...(text("waits_longer_than") !== "" &&
      filtersOf({ waits_longer_than: text("waits_longer_than") }).waitsLongerThan === undefined
        ? ["waits_longer_than"]
        : []),
    ]);
    setWrong(faults);
    if (faults.size > 0) return;
    const address = Object.fromEntries(
      [...FIELDS.map(([name]) => name), "since", "tag", "verdict"].map((name) => [name, text(name)]),
    );
    const waits = text("waits_longer_than");
    onChange({
      ...filtersOf({
        ...address,
        ...(filters.name === undefined ? {} : { name: filters.name }),
        ...(from ? { from } : {}),
        ...(to ? { to } : {}),
        ...(waits === "" ? {} : { waits_longer_than: waits }),
        overdue: form.get("overdue") === null ? "" : "true",
      }),
      states: filters.states,
      order: filters.order,
    });
  };
  const shown = (iso: string | undefined) => (iso === undefined ? "" : timeText(iso, zone));
  const times = [
    ["since", "since, such as 24h or 7d", filters.since ?? ""],
    ["from", `from, in ${zoneName(zone)}`, shown(filters.from)],
    ["to", `to, in ${zoneName(zone)}`, shown(filters.to)],
    ["waits_longer_than", "waits longer than (seconds)", filters.waitsLongerThan?.toString() ?? ""],
    ["tag", "tags, such as team=data,kind=x", joined(filters.tags)],
  ] as const;
  return (
    <Box
      component="form"
      onSubmit={apply}
      aria-label="more filters"
      sx={{
        display: "grid",
        gap: 1.5,
        gridTemplateColumns: "repeat(auto-fill, minmax(220px, 1fr))",
        p: 2,
        border: 1,
        borderColor: "divider",
        borderRadius: 1,
        bgcolor: "background.paper",
      }}
    >
      {FIELDS.map(([name, label]) => (
        <TextField key={name} name={name} label={label} defaultValue={filters[name] ?? ""} />
      ))}
      {times.map(([name, label, value]) => (
        <TextField
          key={name}
          name={name}
          label={label}
          defaultValue={value}
          error={wrong.has(name)}
          helperText={
            wrong.has(name)
              ? name === "from" || name === "to"
                ? "A time is like 2026-12-01 06:00"
                : "This is no valid value"
              : undefined
          }
        />
      ))}
      <TextField
        select
        name="verdict"
        label="time to finish by"
        defaultValue={filters.verdict ?? ""}
        slotProps={{ select: { native: true }, inputLabel: { shrink: true } }}
      >
        {VERDICT_CHOICES.map(([verdict, words]) => (
          <option key={verdict} value={verdict}>
            {words}
          </option>
        ))}
      </TextField>
      <FormControlLabel
        control={<Checkbox name="overdue" defaultChecked={filters.overdue} />}
        label="runs or ran longer than its estimate"
      />
      <Box>
        <Button type="submit" variant="contained">
          Apply
        </Button>
      </Box>
    </Box>
  );
}
