import Button from "@mui/material/Button";
import FormControl from "@mui/material/FormControl";
import FormControlLabel from "@mui/material/FormControlLabel";
import FormLabel from "@mui/material/FormLabel";
import Link from "@mui/material/Link";
import Paper from "@mui/material/Paper";
import Radio from "@mui/material/Radio";
import RadioGroup from "@mui/material/RadioGroup";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import { answerOf } from "../../api/client";
import { useConnection } from "../../api/context";
import { useLive } from "../../api/live";
import { plain } from "../../domain/text";
import { isZone } from "../../domain/times";
import { Page } from "../../shared/Page";
import { changeSettings, type Density, type Theme, useSettings } from "../../shared/settings";

/** The choices of how things look, and who the caller is to the deployment. */
export function SettingsScreen() {
  return (
    <Page title="Settings">
      <ZoneChoice />
      <LookChoice />
      <Me />
      <Notices />
    </Page>
  );
}

/** Names the licences of what the console is made of. The build writes the file, beside the page. */
function Notices() {
  return (
    <Link href={new URL("third-party.txt", document.baseURI).href} target="_blank" rel="noreferrer">
      Licences of the packages in this console
    </Link>
  );
}

function ZoneChoice() {
  const { zone } = useSettings();
  const [text, setText] = useState(zone === "UTC" || zone === "local" ? "" : zone);
  const choice = zone === "UTC" || zone === "local" ? zone : "other";
  return (
    <Paper variant="outlined" sx={{ p: 2 }}>
      <FormControl>
        <FormLabel id="zone">Time zone of every screen</FormLabel>
        <RadioGroup
          aria-labelledby="zone"
          value={choice}
          onChange={(_, value) =>
            changeSettings({
              zone: value === "other" ? (isZone(text) && text !== "" ? text : "Europe/Berlin") : value,
            })
          }
        >
          <FormControlLabel value="UTC" control={<Radio />} label="UTC" />
          <FormControlLabel value="local" control={<Radio />} label="that of this browser" />
          <FormControlLabel value="other" control={<Radio />} label="another one" />
        </RadioGroup>
        {choice === "other" ? (
          <TextField
            label="name, such as Europe/Berlin"
            value={text || zone}
            error={!isZone(text || zone)}
            helperText={isZone(text || zone) ? " " : "This browser does not know the zone."}
            onChange={(event) => {
              setText(event.target.value);
              if (isZone(event.target.value)) changeSettings({ zone: event.target.value });
            }}
          />
        ) : null}
      </FormControl>
    </Paper>
  );
}

function LookChoice() {
  const { theme, density } = useSettings();
  return (
    <Paper variant="outlined" sx={{ p: 2, display: "flex", gap: 6, flexWrap: "wrap" }}>
      <FormControl>
        <FormLabel id="theme">Theme</FormLabel>
        <RadioGroup
          aria-labelledby="theme"
          value={theme}
          onChange={(_, value) => changeSettings({ theme: value as Theme })}
        >
          <FormControlLabel value="system" control={<Radio />} label="as the system" />
          <FormControlLabel value="light" control={<Radio />} label="light" />
          <FormControlLabel value="dark" control={<Radio />} label="dark" />
        </RadioGroup>
      </FormControl>
      <FormControl>
        <FormLabel id="density">Rows</FormLabel>
        <RadioGroup
          aria-labelledby="density"
          value={density}
          onChange={(_, value) => changeSettings({ density: value as Density })}
        >
          <FormControlLabel value="comfortable" control={<Radio />} label="comfortable" />
          <FormControlLabel value="compact" control={<Radio />} label="compact" />
        </RadioGroup>
      </FormControl>
    </Paper>
  );
}

/** Who looks, as whom, and the way out, which a narrow window shows nowhere else. */
function Me() {
  const { api, config, session } = useConnection();
  const me = useLive({ key: ["me"], read: (signal) => answerOf(api.GET("/v1/me", { signal })) });
  if (me.data === undefined) return null;
  const rows: readonly (readonly [string, string])[] = [
    ["who", me.data.subject ?? me.data.display],
    ["role", me.data.role],
    ["namespaces", me.data.namespaces.join(", ") || "-"],
    ["deployment", me.data.stack ?? "-"],
    ["version", me.data.version],
  ];
  return (
    <Paper variant="outlined" sx={{ p: 2 }}>
      <dl style={{ display: "grid", gridTemplateColumns: "max-content 1fr", gap: "4px 16px", margin: 0 }}>
        {rows.map(([name, value]) => (
          <div key={name} style={{ display: "contents" }}>
            <dt>{name}</dt>
            <dd style={{ margin: 0, overflowWrap: "anywhere" }}>{plain(value)}</dd>
          </div>
        ))}
      </dl>
      {config.signIn === null ? null : (
        <Button variant="outlined" onClick={() => void session.signOut()} sx={{ mt: 2 }}>
          Sign out
        </Button>
      )}
    </Paper>
  );
}
