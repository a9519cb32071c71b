import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import type { components } from "../../api/schema";
import { wholeNumber } from "../../domain/numbers";
import { ChoiceField } from "../../shared/ChoiceField";
import { WhenField } from "../../shared/WhenField";

/** What the fields hold: texts, as they are typed. */
export interface Rules {
  readonly name: string;
  readonly recurs: "cron" | "every";
  readonly cron: string;
  readonly zone: string;
  readonly every: string;
  readonly start: string;
  readonly end: string;
  readonly jitter: string;
  readonly missed: string;
  readonly grace: string;
  readonly overlap: string;
}

type Row = components["schemas"]["TimetableRowOut"];
type ChangeIn = components["schemas"]["ChangeTimetableIn"];

/** The rules of a timetable that is to be made. */
export const NEW_RULES: Rules = {
  name: "",
  recurs: "cron",
  cron: "0 6 * * *",
  zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  every: "3600",
  start: "",
  end: "",
  jitter: "0",
  missed: "skip",
  grace: "300",
  overlap: "allow",
};

/** Returns the rules of a timetable as the fields hold them. */
export function rulesOf(row: Row): Rules {
  return {
    name: row.name ?? "",
    recurs: row.cron === null ? "every" : "cron",
    cron: row.cron ?? NEW_RULES.cron,
    zone: row.zone ?? NEW_RULES.zone,
    every: row.every_seconds?.toString() ?? NEW_RULES.every,
    start: row.start ?? "",
    end: row.end ?? "",
    jitter: row.jitter_seconds.toString(),
    missed: row.missed,
    grace: row.grace_seconds.toString(),
    overlap: row.overlap,
  };
}

/** Returns the fields of a body for the API. Throws an error that names a field whose text is no whole number. */
export function bodyOf(rules: Rules): ChangeIn {
  return {
    name: rules.name.trim() === "" ? null : rules.name.trim(),
    ...(rules.recurs === "cron"
      ? { cron: rules.cron.trim(), zone: rules.zone.trim() }
      : { every_seconds: needed("seconds", rules.every) }),
    start: rules.start === "" ? null : rules.start,
    end: rules.end === "" ? null : rules.end,
    jitter_seconds: needed("jitter", rules.jitter),
    missed: rules.missed as NonNullable<ChangeIn["missed"]>,
    grace_seconds: needed("grace", rules.grace),
    overlap: rules.overlap as NonNullable<ChangeIn["overlap"]>,
  };
}

/** Returns what differs between two bodies, so that a change sends only what somebody changed. */
export function changedOf(before: ChangeIn, after: ChangeIn): ChangeIn {
  return Object.fromEntries(
    Object.entries(after).filter(([name, value]) => before[name as keyof ChangeIn] !== value),
  );
}

function needed(name: string, text: string): number {
  const number = wholeNumber(name, text);
  if (number === null) throw new Error(`${name}: give a whole number`);
  return number;
}

/** The fields for everything about a timetable but what it submits. */
export function RuleFields({ rules, onChange }: { rules: Rules; onChange: (rules: Rules) => void }) {
  const set = (name: keyof Rules) => (value: string) => onChange({ ...rules, [name]: value });
  const text = (name: keyof Rules, label: string, helperText: string) => (
    <TextField
      label={label}
      helperText={helperText}
      value={rules[name]}
      onChange={(event) => set(name)(event.target.value)}
    />
  );
  return (
    <Box
      sx={{
        display: "grid",
        gap: 2,
        pt: 1,
        gridTemplateColumns: "repeat(auto-fill, minmax(240px, 1fr))",
        alignItems: "start",
      }}
    >
      {text("name", "name", "may be empty")}
      <ChoiceField
        label="recurs"
        value={rules.recurs}
        choices={[
          ["cron", "at times of the clock (cron)"],
          ["every", "every so many seconds"],
        ]}
        onChange={set("recurs")}
      />
      {rules.recurs === "cron" ? (
        <>
          {text("cron", "cron", "minute, hour, day, month, weekday")}
          {text("zone", "time zone", "such as Europe/Berlin")}
        </>
      ) : (
        text("every", "seconds", "60 or more")
      )}
      <WhenField label="not before" value={rules.start} onChange={set("start")} />
      <WhenField label="not after" value={rules.end} onChange={set("end")} />
      <ChoiceField
        label="missed times"
        value={rules.missed}
        choices={[
          ["skip", "are skipped"],
          ["once", "run once, for the latest"],
          ["all", "all run (at most 100)"],
        ]}
        onChange={set("missed")}
      />
      {text("grace", "grace (seconds)", "a run this late is not missed yet")}
      <ChoiceField
        label="while the run before goes on"
        value={rules.overlap}
        choices={[
          ["allow", "run beside it"],
          ["skip", "skip this one"],
          ["cancel", "cancel the one before"],
        ]}
        onChange={set("overlap")}
      />
      {text("jitter", "jitter (seconds)", "runs begin up to so much later")}
    </Box>
  );
}
