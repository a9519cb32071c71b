import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import type { components } from "../../api/schema";
import { commandOf } from "../../domain/commands";
import { wholeNumber } from "../../domain/numbers";
import { plain } from "../../domain/text";
import { ActButton } from "../../shared/ActButton";
import { Command, Empty, Loading, ReadNotice } from "../../shared/Notices";
import { Time } from "../../shared/Time";

type Share = components["schemas"]["ShareOut"];

/** The shares of a pool, with what operators may change of them. */
export function Shares({ pool, impossible }: { pool: string; impossible: string | null }) {
  const api = useApi();
  // Acts of operators alone change them, so they are not polled.
  const shares = useQuery({
    queryKey: ["shares", pool],
    queryFn: ({ signal }) =>
      answerOf(api.GET("/v1/pools/{pool}/shares", { params: { path: { pool } }, signal })),
  });
  const found = shares.data?.shares;
  return (
    <>
      <ReadNotice query={shares} />
      {found === undefined ? shares.isError ? null : <Loading lines={2} /> : null}
      {found?.length === 0 ? (
        <Empty title="The pool has no shares: its jobs wait in one line.">
          <Command text={commandOf(["tidegate", "shares", "set", pool, "SHARE", "--weight", "3"])} />
        </Empty>
      ) : null}
      {found === undefined || found.length === 0 ? null : (
        <Box component="ul" aria-label="shares" sx={{ m: 0, mb: 1, p: 0, display: "grid", gap: 1 }}>
          {found.map((share) => (
            <ShareRow key={share.share} share={share} impossible={impossible} />
          ))}
        </Box>
      )}
      <SetShare pool={pool} share={null} impossible={impossible} />
    </>
  );
}

function ShareRow({ share, impossible }: { share: Share; impossible: string | null }) {
  const api = useApi();
  const path = { pool: share.pool, share: share.share };
  return (
    <Box
      component="li"
      sx={{ listStyle: "none", border: 1, borderColor: "divider", borderRadius: 1, p: 1, minWidth: 0 }}
    >
      <Box sx={{ fontWeight: 600, overflowWrap: "anywhere" }}>{plain(share.share)}</Box>
      <div>
        weight {share.weight} ·{" "}
        {share.max_priority === null ? "any priority" : `priority at most ${share.max_priority}`} ·{" "}
        {share.max_waiting === null ? "any number waits" : `at most ${share.max_waiting} wait`}
      </div>
      <Box sx={{ color: "text.secondary", fontSize: "0.85rem", mb: 1 }}>
        set by {plain(share.by)}, <Time at={share.at} />
      </Box>
      <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap" }}>
        <SetShare pool={share.pool} share={share} impossible={impossible} />
        <ActButton
          label={`Remove ${plain(share.share)}`}
          color="error"
          impossible={impossible}
          ask={{
            title: `Remove share ${plain(share.share)}?`,
            content: () => <p>Jobs that name it are refused from then on, unless somebody makes it again.</p>,
            confirm: "Remove the share",
          }}
          run={() => answerOf(api.DELETE("/v1/pools/{pool}/shares/{share}", { params: { path } }))}
        />
      </Box>
    </Box>
  );
}

/** Makes a share, or changes the bounds of one. */
function SetShare({
  pool,
  share,
  impossible,
}: {
  pool: string;
  share: Share | null;
  impossible: string | null;
}) {
  const api = useApi();
  const [name, setName] = useState(share?.share ?? "");
  const [weight, setWeight] = useState("");
  const [priority, setPriority] = useState("");
  const [waiting, setWaiting] = useState("");
  // Somebody else may have changed the share since the page was opened.
  const begin = () => {
    setName(share?.share ?? "");
    setWeight(String(share?.weight ?? 1));
    setPriority(share?.max_priority?.toString() ?? "");
    setWaiting(share?.max_waiting?.toString() ?? "");
  };
  const run = async () => {
    if (name.trim() === "") throw new Error("The share needs a name.");
    const body = {
      weight: wholeNumber("weight", weight) ?? 1,
      max_priority: wholeNumber("highest priority", priority),
      max_waiting: wholeNumber("most that wait", waiting),
    };
    await answerOf(
      api.PUT("/v1/pools/{pool}/shares/{share}", { params: { path: { pool, share: name.trim() } }, body }),
    );
  };
  return (
    <ActButton
      label={share === null ? "Make a share" : `Change ${plain(share.share)}`}
      impossible={impossible}
      ask={{
        title: share === null ? `Make a share of ${plain(pool)}` : `Change share ${plain(share.share)}`,
        begin,
        content: () => (
          <Box sx={{ display: "grid", gap: 2, pt: 1 }}>
            {share === null ? (
              <TextField
                label="name"
                value={name}
                onChange={(event) => setName(event.target.value)}
                autoFocus
              />
            ) : null}
            <TextField
              label="weight"
              helperText="how much it gets beside the others, 1 to 1,000"
              value={weight}
              onChange={(event) => setWeight(event.target.value)}
              slotProps={{ htmlInput: { inputMode: "numeric" } }}
            />
            <TextField
              label="highest priority"
              helperText="of its jobs; empty: any"
              value={priority}
              onChange={(event) => setPriority(event.target.value)}
              slotProps={{ htmlInput: { inputMode: "numeric" } }}
            />
            <TextField
              label="most that wait"
              helperText="more are refused; empty: any number"
              value={waiting}
              onChange={(event) => setWaiting(event.target.value)}
              slotProps={{ htmlInput: { inputMode: "numeric" } }}
            />
          </Box>
        ),
        confirm: share === null ? "Make the share" : "Change the share",
      }}
      run={run}
    />
  );
}
