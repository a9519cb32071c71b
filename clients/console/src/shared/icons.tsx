/** The icons of the console, drawn here as paths of 24 by 24, so that no icon font or package is loaded. */

import SvgIcon, { type SvgIconProps } from "@mui/material/SvgIcon";

const PATHS = {
  pending:
    "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm0 2a8 8 0 1 1 0 16 8 8 0 0 1 0-16ZM7 11h2v2H7v-2Zm4 0h2v2h-2v-2Zm4 0h2v2h-2v-2Z",
  clock:
    "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm0 2a8 8 0 1 1 0 16 8 8 0 0 1 0-16Zm-1 3v6l5 3 1-1.7-4-2.4V7h-2Z",
  ready: "M6 3h12v2H6V3Zm0 16h12v2H6v-2ZM8 6h8v3l-3 3 3 3v3H8v-3l3-3-3-3V6Z",
  queued: "M4 5h16v3H4V5Zm0 5.500h16v3H4v-3ZM4 16h16v3H4v-3Z",
  running: "M8 5v14l11-7L8 5Z",
  done: "M9 16.200 4.800 12l-1.400 1.400L9 19 21 7l-1.400-1.400L9 16.200Z",
  failed:
    "M18.300 5.700 16.900 4.300 12 9.200 7.100 4.300 5.700 5.700l4.900 4.900-4.900 4.900 1.400 1.400 4.900-4.900 4.900 4.900 1.400-1.400-4.900-4.900 4.900-4.900Z",
  timedOut:
    "M9 1h6v2H9V1Zm3 4a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 2a7 7 0 1 1 0 14 7 7 0 0 1 0-14Zm-1 2v6h2V9h-2Z",
  cancelled:
    "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20ZM4 12a8 8 0 0 1 12.900-6.300L5.700 16.900A8 8 0 0 1 4 12Zm8 8a8 8 0 0 1-4.900-1.700L18.300 7.100A8 8 0 0 1 12 20Z",
  skipped: "M5 5v14l8-7-8-7Zm9 0h3v14h-3V5Z",
  held: "M6 5h4v14H6V5Zm8 0h4v14h-4V5Z",
  overview: "M3 3h8v10H3V3Zm10 0h8v6h-8V3ZM3 15h8v6H3v-6Zm10-4h8v10h-8V11Z",
  jobs: "M4 5h2v2H4V5Zm4 0h12v2H8V5ZM4 11h2v2H4v-2Zm4 0h12v2H8v-2Zm-4 6h2v2H4v-2Zm4 0h12v2H8v-2Z",
  workflows: "M3 4h6v5H7v3h10V9h-2V4h6v5h-2v5h-6v2h2v5H9v-5h2v-2H5V9H3V4Z",
  pools: "M4 4h16v4H4V4Zm0 6h16v4H4v-4Zm0 6h16v4H4v-4Z",
  statistics: "M4 12h4v8H4v-8Zm6-8h4v16h-4V4Zm6 5h4v11h-4V9Z",
  types:
    "M12 2 3 7v10l9 5 9-5V7l-9-5Zm0 2.300L18 7.600l-6 3.300-6-3.300 6-3.300ZM5 9.300l6 3.300v6.600l-6-3.300V9.300Z",
  workers: "M4 6h16v10H4V6Zm2 2v6h12V8H6Zm-4 9h20v2H2v-2Z",
  webhooks: "M2 20 22 12 2 4v6l14 2-14 2v6Z",
  audit: "M6 2h9l5 5v15H6V2Zm8 2v4h4l-4-4ZM9 12h8v2H9v-2Zm0 4h8v2H9v-2Z",
  more: "M4 10h4v4H4v-4Zm6 0h4v4h-4v-4Zm6 0h4v4h-4v-4Z",
  submit: "M11 16V8l-3.500 3.500L6 10l6-6 6 6-1.500 1.500L13 8v8h-2Zm-6 2h14v2H5v-2Z",
  settings:
    "M11 2h2v3l2.500 1 2.100-2.100 1.400 1.400L17 7.500l1 2.500h4v2h-4l-1 2.500 2 2.200-1.400 1.400-2.100-2.100L13 17v5h-2v-5l-2.500-1-2.100 2.100L5 16.700l2-2.200L6 12H2v-2h4l1-2.500-2-2.200 1.400-1.400L8.500 6 11 5V2Zm1 6a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z",
  search:
    "M10 3a7 7 0 1 0 4.200 12.600l5 5 1.400-1.400-5-5A7 7 0 0 0 10 3Zm0 2a5 5 0 1 1 0 10 5 5 0 0 1 0-10Z",
  close:
    "M18.300 5.700 16.900 4.300 12 9.200 7.100 4.300 5.700 5.700l4.900 4.900-4.900 4.900 1.400 1.400 4.900-4.900 4.900 4.900 1.400-1.400-4.900-4.900 4.900-4.900Z",
  copy: "M8 2h12v14H8V2Zm2 2v10h8V4h-8ZM4 6h2v14h10v2H4V6Z",
  warning: "M12 2 1 21h22L12 2Zm0 4 7.500 13h-15L12 6Zm-1 4v5h2v-5h-2Zm0 6v2h2v-2h-2Z",
  next: "M9 5 7.600 6.400 13.200 12l-5.600 5.600L9 19l7-7-7-7Z",
  down: "M5 9l1.400-1.400L12 13.200l5.600-5.600L19 9l-7 7-7-7Z",
} as const;

export type IconName = keyof typeof PATHS;

/** An icon beside a word; it says nothing by itself, so it is hidden from screen readers. */
export function Icon({ name, ...rest }: { name: IconName } & Omit<SvgIconProps, "name">) {
  return (
    <SvgIcon fontSize="small" aria-hidden="true" {...rest}>
      <path d={PATHS[name]} />
    </SvgIcon>
  );
}
