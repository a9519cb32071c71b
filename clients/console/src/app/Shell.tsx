import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import useMediaQuery from "@mui/material/useMediaQuery";
import { Outlet } from "@tanstack/react-router";
import { useState } from "react";
import { useConnection } from "../api/context";
import { useMe } from "../api/me";
import { zoneName } from "../domain/times";
import { useSettings } from "../shared/settings";
import { HelpDialog } from "./HelpDialog";
import { LookUp } from "./LookUp";
import { Reachability } from "./Reachability";
import { Screens } from "./Screens";
import { SkipLink } from "./SkipLink";
import { useKeys } from "./useKeys";

/** The frame of every screen: a rail of links, at the bottom on a phone, and one main column. */
export function Shell() {
  const narrow = useMediaQuery("(max-width: 1000px)");
  const { zone } = useSettings();
  const { config, session } = useConnection();
  useMe(); // read once with the frame, so that no screen waits for it
  const [dialog, setDialog] = useState<"none" | "help" | "look-up">("none");
  useKeys({ help: () => setDialog("help"), lookUp: () => setDialog("look-up") });

  return (
    <Box sx={{ display: "flex", flexDirection: narrow ? "column-reverse" : "row", height: "100dvh" }}>
      <SkipLink to="main" />
      <Screens narrow={narrow}>
        {narrow ? null : (
          <Box sx={{ mt: "auto", px: 1, pt: 2, color: "text.secondary", fontSize: "0.75rem" }}>
            <div>{config.stack ?? "tidegate"}</div>
            <div>version {config.version}</div>
            <div>times in {zoneName(zone)}</div>
            <div>? shows the keys</div>
            {config.signIn === null ? null : (
              <Button variant="text" onClick={() => void session.signOut()} sx={{ ml: -1 }}>
                Sign out
              </Button>
            )}
          </Box>
        )}
      </Screens>
      <Box
        component="main"
        id="main"
        tabIndex={-1}
        sx={{ flex: 1, minWidth: 0, minHeight: 0, overflow: "auto", p: narrow ? 1.5 : 3, outline: "none" }}
      >
        <Outlet />
        <Reachability />
      </Box>
      <HelpDialog open={dialog === "help"} onClose={() => setDialog("none")} />
      <LookUp open={dialog === "look-up"} onClose={() => setDialog("none")} />
    </Box>
  );
}
