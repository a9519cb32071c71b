import TextField from "@mui/material/TextField";
import { useState } from "react";
import { zoneName } from "../domain/times";
import { instantOf, wallOf } from "../domain/wallClock";
import { useSettings } from "./settings";

interface FilterProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** What stands in a field until it takes effect: with Enter, or when the field is left. */
function useDraft(value: string, commit: (text: string) => void) {
  const [text, setText] = useState(value);
  const [known, setKnown] = useState(value);
  // The address may change without this field, as by the way back.
  if (value !== known) {
    setKnown(value);
    setText(value);
  }
  const done = () => {
    if (text !== value) commit(text);
  };
  return {
    value: text,
    onChange: (event: { readonly target: { readonly value: string } }) => setText(event.target.value),
    onBlur: done,
    onKeyDown: (event: { readonly key: string }) => {
      if (event.key === "Enter") done();
    },
  };
}

/** A filter as text. No request goes out at each key. */
export function TextFilter({ label, value, onChange }: FilterProps) {
  const draft = useDraft(value, (text) => onChange(text.trim()));
  return (
    <TextField
      label={label}
      {...draft}
      slotProps={{ htmlInput: { autoComplete: "off", spellCheck: false } }}
      sx={{ minWidth: 150, flex: "1 1 150px" }}
    />
  );
}

/** A filter as a time, entered in the zone that was chosen for every screen. `value` is a time as the API writes it. */
export function TimeFilter({ label, value, onChange }: FilterProps) {
  const { zone } = useSettings();
  const draft = useDraft(wallOf(value, zone), (wall) => onChange(instantOf(wall, zone) ?? ""));
  return (
    <TextField
      type="datetime-local"
      label={`${label} (${zoneName(zone)})`}
      {...draft}
      slotProps={{ inputLabel: { shrink: true } }}
      sx={{ minWidth: 210 }}
    />
  );
}
