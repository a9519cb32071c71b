import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import useMediaQuery from "@mui/material/useMediaQuery";
import { Outlet, Link as RouterLink, useLocation } from "@tanstack/react-router";
import { useState } from "react";
import { useConnection } from "../api/context";
import { useMe } from "../api/me";
import { zoneName } from "../domain/times";
import { Icon } from "../shared/icons";
import { useSettings } from "../shared/settings";
import { HelpDialog } from "./HelpDialog";
import { LookUp } from "./LookUp";
import { Reachability } from "./Reachability";
import { SkipLink } from "./SkipLink";
import { SCREENS } from "./screens";
import { useKeys } from "./useKeys";

/** The frame of every screen: a rail of links, at the bottom on a phone, and one main column. */
export function Shell() {
  const narrow = useMediaQuery("(max-width: 1000px)");
  const { zone } = useSettings();
  const { config, session } = useConnection();
  useMe(); // read once with the frame, so that no screen waits for it
  const path = useLocation({ select: (location) => location.pathname });
  const [dialog, setDialog] = useState<"none" | "help" | "look-up">("none");
  useKeys({ help: () => setDialog("help"), lookUp: () => setDialog("look-up") });

  return (
    <Box sx={{ display: "flex", flexDirection: narrow ? "column-reverse" : "row", height: "100dvh" }}>
      <SkipLink to="main" />
      <Box
        component="nav"
        aria-label="screens"
        sx={{
          display: "flex",
          flexDirection: narrow ? "row" : "column",
          gap: 0.5,
          p: 1,
          borderRight: narrow ? 0 : 1,
          borderTop: narrow ? 1 : 0,
          borderColor: "divider",
          bgcolor: "background.paper",
          overflow: "auto",
          minWidth: narrow ? 0 : 176,
        }}
      >
        {narrow ? null : <Box sx={{ px: 1, py: 1, fontWeight: 700 }}>tidegate</Box>}
        {SCREENS.map((screen) => {
          const here = screen.path === "/" ? path === "/" : path.startsWith(screen.path);
          return (
            <Box
              key={screen.path}
              component={RouterLink}
              to={screen.path}
              aria-current={here ? "page" : undefined}
              sx={{
                display: "flex",
                flexDirection: narrow ? "column" : "row",
                alignItems: "center",
                gap: narrow ? 0 : 1,
                px: 1,
                py: 0.75,
                borderRadius: 1,
                textDecoration: "none",
                color: "text.primary",
                fontSize: narrow ? "0.7rem" : "0.9rem",
                bgcolor: here ? "action.selected" : undefined,
                "&:hover": { bgcolor: "action.hover" },
              }}
            >
              <Icon name={screen.icon} />
              {screen.title}
            </Box>
          );
        })}
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
      </Box>
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
