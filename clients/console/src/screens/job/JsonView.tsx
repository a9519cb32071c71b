import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useMemo, useState } from "react";
import { isJson, LARGE_CHARACTERS, type Line, treeOf } from "../../domain/jsonTree";
import { plain } from "../../domain/text";
import { CopyButton } from "../../shared/CopyButton";
import { Icon } from "../../shared/icons";

const LINES_AT_ONCE = 300;
const MOST_CHARACTERS = 1_000_000;
const STEP_PX = 16;

/** A JSON value as a tree that can be folded and searched. A large one is shown as text, once somebody asks for it. */
export function JsonView({ label, value }: { label: string; value: unknown }) {
  const text = useMemo(() => (value === undefined ? "" : JSON.stringify(value, null, 2)), [value]);
  const [asText, setAsText] = useState(false);
  return (
    <Box component="section" aria-label={label} sx={{ minWidth: 0 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1 }}>
        <Typography component="h2" variant="h2">
          {label}
        </Typography>
        {value === null || value === undefined ? null : <CopyButton label={`Copy ${label}`} text={text} />}
      </Box>
      {value === null || value === undefined ? (
        <Typography color="text.secondary">none</Typography>
      ) : text.length > LARGE_CHARACTERS ? (
        <>
          <Typography color="text.secondary">
            {Math.round(text.length / 1_000).toLocaleString("en")} kB are too much for a tree.
          </Typography>
          {asText ? (
            <Text text={text} />
          ) : (
            <Button variant="outlined" onClick={() => setAsText(true)}>
              Show it as text
            </Button>
          )}
        </>
      ) : (
        <Tree label={label} value={value} />
      )}
    </Box>
  );
}

function Text({ text }: { text: string }) {
  const cut = text.length > MOST_CHARACTERS;
  const lines = text.slice(0, MOST_CHARACTERS).split("\n").map(plain).join("\n");
  return (
    <>
      {cut ? <Typography>the first {MOST_CHARACTERS.toLocaleString("en")} characters</Typography> : null}
      <Box
        component="pre"
        tabIndex={0}
        sx={{ m: 0, p: 1, maxHeight: 600, overflow: "auto", bgcolor: "action.hover", borderRadius: 1 }}
      >
        {lines}
      </Box>
    </>
  );
}

function Tree({ label, value }: { label: string; value: unknown }) {
  const [search, setSearch] = useState("");
  const [turned, setTurned] = useState<ReadonlySet<string>>(new Set());
  const [most, setMost] = useState(LINES_AT_ONCE);
  const tree = useMemo(
    () => (isJson(value) ? treeOf(value, { turned, search, most }) : null),
    [value, turned, search, most],
  );
  if (tree === null) return null;
  const turn = (path: string) => {
    const next = new Set(turned);
    if (!next.delete(path)) next.add(path);
    setTurned(next);
  };
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", gap: 1, my: 1 }}>
        <TextField
          label={`search in ${label}`}
          value={search}
          onChange={(event) => {
            setSearch(event.target.value);
            setTurned(new Set());
          }}
          slotProps={{ htmlInput: { autoComplete: "off" } }}
        />
        <span role="status">{search === "" ? null : `${tree.matches} found`}</span>
      </Box>
      <Box
        component="ul"
        sx={{
          m: 0,
          p: 0,
          listStyle: "none",
          fontFamily: "monospace",
          fontSize: "0.85rem",
          overflowX: "auto",
        }}
      >
        {tree.lines.map((line) => (
          <JsonLine key={line.path} line={line} onTurn={turn} />
        ))}
      </Box>
      {tree.cut ? (
        <Button variant="text" onClick={() => setMost(most + LINES_AT_ONCE)}>
          Show {LINES_AT_ONCE} more lines
        </Button>
      ) : null}
    </>
  );
}

function JsonLine({ line, onTurn }: { line: Line; onTurn: (path: string) => void }) {
  const name = line.name === null ? "" : `${plain(line.name)}: `;
  const branch = line.kind === "list" || line.kind === "object";
  return (
    <Box
      component="li"
      sx={{
        pl: `${line.depth * STEP_PX + (branch ? 0 : 22)}px`,
        bgcolor: line.matches ? "action.selected" : undefined,
        fontWeight: line.matches ? 700 : undefined,
        overflowWrap: "anywhere",
        lineHeight: 1.7,
      }}
    >
      {branch ? (
        <Box
          component="button"
          type="button"
          aria-expanded={line.open}
          onClick={() => onTurn(line.path)}
          sx={{ all: "unset", cursor: "pointer", "&:focus-visible": { outline: "2px solid" } }}
        >
          <Icon
            name={line.open ? "down" : "next"}
            sx={{ fontSize: "1rem", verticalAlign: "middle", mr: "6px" }}
          />
          {name}
          <Box component="span" sx={{ color: "text.secondary" }}>
            {line.text}
          </Box>
        </Box>
      ) : (
        <>
          {name}
          <span>{plain(line.text)}</span>
        </>
      )}
    </Box>
  );
}
