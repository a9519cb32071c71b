import TextField from "@mui/material/TextField";
import { useState } from "react";
import { zoneName } from "../domain/times";
import { instantOf, wallOf } from "../domain/wallClock";
import { useSettings } from "./settings";

/** A field for a time in the zone of the page. It gives RFC 3339, or an empty text while there is none. */
export function WhenField({
  label,
  value,
  error,
  onChange,
}: {
  label: string;
  value: string;
  error?: string | undefined;
  onChange: (at: string) => void;
}) {
  const { zone } = useSettings();
  const [text, setText] = useState(wallOf(value, zone));
  const [known, setKnown] = useState(value);
  // A time that was not typed here, as of an address that changed, takes the place of the text.
  if (value !== known) {
    setKnown(value);
    if (value !== (instantOf(text, zone) ?? "")) setText(wallOf(value, zone));
  }
  const broken = text !== "" && instantOf(text, zone) === null;
  return (
    <TextField
      type="datetime-local"
      label={label}
      value={text}
      error={broken || error !== undefined}
      helperText={
        broken ? `no clock in ${zoneName(zone)} shows this time` : (error ?? `in ${zoneName(zone)}`)
      }
      onChange={(event) => {
        setText(event.target.value);
        onChange(instantOf(event.target.value, zone) ?? "");
      }}
      slotProps={{ inputLabel: { shrink: true } }}
    />
  );
}
