import TextField from "@mui/material/TextField";

/** A field to choose one of a few texts, as the browser's own list, which works on a phone too. */
export function ChoiceField({
  label,
  value,
  choices,
  onChange,
}: {
  label: string;
  value: string;
  /** What is chosen, and the words for it. */
  choices: readonly (readonly [string, string])[];
  onChange: (value: string) => void;
}) {
  // A value of the address that is no choice stays to be seen, in place of another one.
  const all = choices.some(([each]) => each === value) ? choices : [...choices, [value, value] as const];
  return (
    <TextField
      select
      label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      slotProps={{ select: { native: true }, inputLabel: { shrink: true } }}
      sx={{ minWidth: 130 }}
    >
      {all.map(([each, words]) => (
        <option key={each} value={each}>
          {words}
        </option>
      ))}
    </TextField>
  );
}
