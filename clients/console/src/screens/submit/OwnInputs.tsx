import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import type { OwnFields } from "../../domain/forms/ownFields";
import { plain } from "../../domain/text";
import { ChoiceField } from "../../shared/ChoiceField";
import { usePoolNames } from "../../shared/reads";
import { WhenField } from "../../shared/WhenField";
import type { Faults } from "./FieldInput";

/** The inputs of a job's own fields. */
export function OwnInputs({
  own,
  faults,
  onChange,
}: {
  own: OwnFields;
  faults: Faults;
  onChange: (own: OwnFields) => void;
}) {
  const pools = usePoolNames();
  const input = (name: keyof OwnFields, label: string, help: string) => {
    const messages = faults.get(name);
    return {
      label,
      value: own[name],
      error: messages !== undefined,
      helperText: messages === undefined ? help : plain(messages.join("; ")),
      onChange: (event: { target: { value: string } }) => onChange({ ...own, [name]: event.target.value }),
    };
  };
  const numeric = { htmlInput: { inputMode: "decimal" as const } };
  const poolFaults = faults.get("pool");
  return (
    <Box sx={{ display: "grid", gap: 2, gridTemplateColumns: "repeat(auto-fit, minmax(220px, 1fr))" }}>
      <TextField {...input("name", "name", "free text, may repeat")} />
      <TextField {...input("description", "description", "one line")} />
      <TextField
        {...input("priority", "priority", "1 to 1,000, higher first; empty: 100")}
        slotProps={numeric}
      />
      <div>
        <ChoiceField
          label="pool"
          value={own.pool}
          choices={[["", "the default pool"], ...pools.map((pool) => [pool, plain(pool)] as const)]}
          onChange={(pool) => onChange({ ...own, pool })}
        />
        {poolFaults === undefined ? null : (
          <Box sx={{ color: "error.main" }}>{plain(poolFaults.join("; "))}</Box>
        )}
      </div>
      <TextField
        {...input(
          "timeout_seconds",
          "timeout in seconds",
          "empty: 300, or the pool's longest if that is less",
        )}
        slotProps={numeric}
      />
      <TextField {...input("max_retries", "retries", "after a failed run; empty: 3")} slotProps={numeric} />
      <WhenField
        label="not before"
        value={own.not_before}
        error={faults.get("not_before")?.join("; ")}
        onChange={(at) => onChange({ ...own, not_before: at })}
      />
      <TextField {...input("tags", "tags", "one a line, such as team=data")} multiline minRows={2} />
    </Box>
  );
}
