import Button from "@mui/material/Button";
import { type ReactNode, useEffect, useRef } from "react";
import { Icon } from "./icons";
import { Panel } from "./Panel";
import { useEscape } from "./useEscape";
import { useLentFocus } from "./useLentFocus";

/** The chosen row of a list in full, beside the list. Esc closes it, where no dialog stands above it. */
export function DetailPanel({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
}) {
  useEscape(onClose);
  const top = useRef<HTMLDivElement>(null);
  useLentFocus(top);
  useEffect(() => top.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <div ref={top} tabIndex={-1}>
      <Panel
        title={title}
        aside={
          <Button variant="text" startIcon={<Icon name="close" />} onClick={onClose}>
            Close
          </Button>
        }
      >
        {children}
      </Panel>
    </div>
  );
}
