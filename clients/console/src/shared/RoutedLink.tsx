import Link from "@mui/material/Link";
import { createLink } from "@tanstack/react-router";

/** A link within the console, with the look of all links and an address that the compiler checks. */
export const RoutedLink = createLink(Link);
