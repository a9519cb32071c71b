import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { type FormEvent, useState } from "react";
import type { Search } from "../../shared/useAddress";
import { WhenField } from "../../shared/WhenField";

/** The filters of the acts. They are applied at once, so that half a name is not asked for. */
export function AuditFilters({ address, apply }: { address: Search; apply: (filters: Search) => void }) {
  const [subject, setSubject] = useState(address.subject ?? "");
  const [caller, setCaller] = useState(address.caller ?? "");
  const [from, setFrom] = useState(address.from ?? "");
  const [to, setTo] = useState(address.to ?? "");
  const given = [address.subject, address.caller, address.from, address.to].join("\n");
  const [known, setKnown] = useState(given);
  // Where the address changes by itself, as by "back", the fields follow it, and keep the focus.
  if (given !== known) {
    setKnown(given);
    setSubject(address.subject ?? "");
    setCaller(address.caller ?? "");
    setFrom(address.from ?? "");
    setTo(address.to ?? "");
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    apply({ subject: subject.trim(), caller: caller.trim(), from, to });
  };
  return (
    <Box
      component="form"
      role="search"
      aria-label="filters of the acts"
      onSubmit={submit}
      sx={{ display: "flex", gap: 1.5, flexWrap: "wrap", alignItems: "flex-start" }}
    >
      <TextField
        label="about"
        helperText="such as pool#lambda or job#ID"
        value={subject}
        onChange={(event) => setSubject(event.target.value)}
        slotProps={{ htmlInput: { "data-search": true } }}
      />
      <TextField
        label="caller"
        helperText="the whole ARN or subject"
        value={caller}
        onChange={(event) => setCaller(event.target.value)}
      />
      <WhenField label="from" value={from} onChange={setFrom} />
      <WhenField label="to" value={to} onChange={setTo} />
      <Button type="submit" variant="outlined" sx={{ mt: 0.5 }}>
        Show
      </Button>
      <Button
        type="button"
        variant="text"
        sx={{ mt: 0.5 }}
        onClick={() => apply({ subject: "", caller: "", from: "", to: "" })}
      >
        Clear
      </Button>
    </Box>
  );
}
