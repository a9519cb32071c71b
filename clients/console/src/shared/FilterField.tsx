import TextField from "@mui/material/TextField";
import { useState } from "react";
import { zoneName } from "../domain/times";
import { instantOf, wallOf } from "../domain/wallTime";
import { useSettings } from "./settings";

/** A filter as text. It takes effect with Enter or when the field is left, so that no request goes out at each key. */
export function TextFilter({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const [text, setText] = useState(value);
  const [known, setKnown] = useState(value);
  // The address may change without this field, as by the way back.
  if (value !== known) {
    setKnown(value);
    setText(value);
  }
  const commit = () => {
    if (text.trim() !== value) onChange(text.trim());
  };
  return (
    <TextField
      label={label}
      value={text}
      onChange={(event) => setText(event.target.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit();
      }}
      slotProps={{ htmlInput: { autoComplete: "off", spellCheck: false } }}
      sx={{ minWidth: 150, flex: "1 1 150px" }}
    />
  );
}

/** A filter as a time, entered in the zone that was chosen for every screen. `value` is a time as the API writes it. */
export function TimeFilter({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const { zone } = useSettings();
  return (
    <TextField
      type="datetime-local"
      label={`${label} (${zoneName(zone)})`}
      value={wallOf(value, zone)}
      onChange={(event) => onChange(instantOf(event.target.value, zone) ?? "")}
      slotProps={{ inputLabel: { shrink: true } }}
      sx={{ minWidth: 210 }}
    />
  );
}
