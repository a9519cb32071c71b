import MuiLink from "@mui/material/Link";
import { createLink } from "@tanstack/react-router";

/** A link to a screen, in the look of the console's links. */
export const To = createLink(MuiLink);
