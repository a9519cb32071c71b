import Box from "@mui/material/Box";
import ButtonBase from "@mui/material/ButtonBase";
import useMediaQuery from "@mui/material/useMediaQuery";
import { Link as RouterLink, useLocation } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { Icon } from "../shared/icons";
import { SCREENS, type Screen } from "./screens";

/** How many screens stand in the bar of a phone; the others are behind "More". */
const ON_A_PHONE = 4;

/** The links to the screens: a rail, or a bar at the bottom where the window is narrow. `children` end the rail. */
export function Screens({ narrow, children }: { narrow: boolean; children: ReactNode }) {
  const phone = useMediaQuery("(max-width: 640px)");
  const path = useLocation({ select: (location) => location.pathname });
  const [open, setOpen] = useState(false);
  const others = phone ? SCREENS.slice(ON_A_PHONE) : [];
  const isHere = (screen: Screen) => (screen.path === "/" ? path === "/" : path.startsWith(screen.path));
  const entry = (screen: Screen) => (
    <Box
      key={screen.path}
      component={RouterLink}
      to={screen.path}
      aria-current={isHere(screen) ? "page" : undefined}
      onClick={() => setOpen(false)}
      sx={entrySx(narrow, isHere(screen))}
    >
      <Icon name={screen.icon} />
      {screen.title}
    </Box>
  );
  return (
    <Box
      component="nav"
      aria-label="screens"
      sx={{
        ...(phone
          ? { display: "grid", gridTemplateColumns: "repeat(5, minmax(0, 1fr))" }
          : {
              display: "flex",
              flexDirection: narrow ? "row" : "column",
              justifyContent: narrow ? "center" : "start",
            }),
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
      {SCREENS.slice(0, phone ? ON_A_PHONE : SCREENS.length).map(entry)}
      {phone ? (
        <ButtonBase
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          sx={entrySx(narrow, others.some(isHere))}
        >
          <Icon name="more" />
          More
        </ButtonBase>
      ) : null}
      {open ? others.map(entry) : null}
      {children}
    </Box>
  );
}

function entrySx(narrow: boolean, here: boolean) {
  return {
    display: "flex",
    flexDirection: narrow ? "column" : "row",
    alignItems: "center",
    gap: narrow ? 0 : 1,
    px: narrow ? 0.5 : 1,
    py: 0.75,
    borderRadius: 1,
    textDecoration: "none",
    color: "text.primary",
    fontSize: narrow ? "0.7rem" : "0.9rem",
    bgcolor: here ? "action.selected" : undefined,
    "&:hover": { bgcolor: "action.hover" },
  } as const;
}
