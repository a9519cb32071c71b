import Alert from "@mui/material/Alert";
import AlertTitle from "@mui/material/AlertTitle";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import type { components } from "../../api/schema";
import { plain } from "../../domain/text";
import { StateBar } from "../../shared/StateBar";
import { StateMark } from "../../shared/StateMark";

/** What a submission would create, by first state and by pool. */
export function Foreseen({ foreseen }: { foreseen: components["schemas"]["ForeseenOut"] }) {
  const jobs = foreseen.job_count === 1 ? "1 job" : `${foreseen.job_count.toLocaleString("en")} jobs`;
  return (
    <Alert severity="success">
      <AlertTitle>Checked: this would submit {jobs}</AlertTitle>
      <StateBar counts={foreseen.states} />
      <Box sx={{ display: "flex", gap: 2, flexWrap: "wrap", mt: 1 }}>
        {Object.entries(foreseen.states).map(([state, count]) => (
          <StateMark key={state} state={state} count={count} />
        ))}
      </Box>
      <div>
        {Object.entries(foreseen.pools)
          .map(([pool, count]) => `${count.toLocaleString("en")} in pool ${plain(pool)}`)
          .join(", ")}
      </div>
    </Alert>
  );
}

/** Shows the idempotency key of the submission, which makes it safe to press the button again. */
export function KeyField({ value, onChange }: { value: string; onChange: (key: string) => void }) {
  return (
    <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", alignItems: "flex-start" }}>
      <TextField
        label="idempotency key"
        helperText="the same key and body submit only once"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        sx={{ minWidth: "min(390px, 100%)" }}
      />
      <Button variant="text" onClick={() => onChange(crypto.randomUUID())} sx={{ mt: 0.5 }}>
        Make a new key
      </Button>
    </Box>
  );
}
