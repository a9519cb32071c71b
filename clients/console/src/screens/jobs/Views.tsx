import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Chip, { type ChipProps } from "@mui/material/Chip";
import TextField from "@mui/material/TextField";
import { createLink } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useConnection } from "../../api/context";
import { useMe } from "../../api/me";
import type { JobFilters } from "../../domain/jobFilters";
import {
  commonViews,
  isShown,
  LONGEST_NAME,
  type View,
  whyNotSaved,
  withoutView,
  withView,
} from "../../domain/savedViews";
import { plain } from "../../domain/text";
import { CopyButton } from "../../shared/CopyButton";
import { changeSettings, useSettings } from "../../shared/settings";

/** A chip that leads to an address within the console. */
const ChipLink = createLink((props: ChipProps<"a">) => (
  <Chip {...props} component="a" clickable size="small" />
));

/** The views of the list as links: those that everybody has, and those that were saved in this browser. */
export function Views({ filters }: { filters: JobFilters }) {
  const { config } = useConnection();
  const { views } = useSettings();
  const me = useMe();
  const [naming, setNaming] = useState(false);
  const saved = views.find((view) => isShown(view, filters));
  return (
    <Box
      component="nav"
      aria-label="views"
      sx={{ display: "flex", flexWrap: "wrap", gap: 0.75, alignItems: "center" }}
    >
      {[...commonViews(me?.subject ?? null), ...views].map((view) => (
        <ViewLink key={`${views.includes(view)} ${view.name}`} view={view} isHere={isShown(view, filters)} />
      ))}
      {saved === undefined ? (
        <Button variant="text" aria-expanded={naming} onClick={() => setNaming(!naming)}>
          Save this view
        </Button>
      ) : (
        <Button variant="text" onClick={() => changeSettings({ views: withoutView(views, saved.name) })}>
          Forget “{plain(saved.name)}”
        </Button>
      )}
      {/* On loopback the address has a secret of this run in it, which is nobody else's. */}
      {config.signIn === null ? null : <CopyButton label="Copy link" text={window.location.href} />}
      {naming && saved === undefined ? <NameForm filters={filters} onDone={() => setNaming(false)} /> : null}
    </Box>
  );
}

function ViewLink({ view, isHere }: { view: View; isHere: boolean }) {
  return (
    <ChipLink
      to="/jobs"
      search={view.address}
      label={plain(view.name)}
      aria-current={isHere ? "page" : undefined}
      variant={isHere ? "filled" : "outlined"}
    />
  );
}

function NameForm({ filters, onDone }: { filters: JobFilters; onDone: () => void }) {
  const { views } = useSettings();
  const [name, setName] = useState("");
  const [said, setSaid] = useState<string | null>(null);
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const why = whyNotSaved(views, name, filters);
    setSaid(why);
    if (why !== null) return;
    changeSettings({ views: withView(views, name, filters) });
    onDone();
  };
  return (
    <Box
      component="form"
      onSubmit={save}
      sx={{ display: "flex", gap: 1, alignItems: "flex-start", flexBasis: "100%" }}
    >
      <TextField
        label="name of the view"
        value={name}
        autoFocus
        error={said !== null}
        helperText={said ?? "kept in this browser alone"}
        onChange={(event) => setName(event.target.value)}
        slotProps={{ htmlInput: { maxLength: LONGEST_NAME, autoComplete: "off" } }}
      />
      <Button type="submit" variant="contained" sx={{ mt: 0.5 }}>
        Save
      </Button>
    </Box>
  );
}
