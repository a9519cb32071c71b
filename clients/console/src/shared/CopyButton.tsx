import Button from "@mui/material/Button";
import { useState } from "react";
import { Icon } from "./icons";

/** Copies a text, and says so. */
export function CopyButton({ label, text }: { label: string; text: string }) {
  const [said, setSaid] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("copied");
    } catch {
      setSaid("the browser does not allow it");
    }
    setTimeout(() => setSaid(""), 2_000);
  };
  return (
    <Button variant="text" startIcon={<Icon name="copy" />} onClick={copy}>
      {label}
      <span role="status" style={{ marginLeft: said ? 6 : 0 }}>
        {said}
      </span>
    </Button>
  );
}
