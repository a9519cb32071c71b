import Link from "@mui/material/Link";
import { createLink } from "@tanstack/react-router";

/** A link in a text to another screen; its address and parameters are checked by the compiler. */
export const TextLink = createLink(Link);
