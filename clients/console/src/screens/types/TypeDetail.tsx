import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useState } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useForbidden } from "../../api/me";
import type { components } from "../../api/schema";
import { wholeNumber } from "../../domain/numbers";
import { plain } from "../../domain/text";
import { ActButton } from "../../shared/ActButton";
import { DetailPanel } from "../../shared/DetailPanel";
import { EndedOfDay } from "../../shared/EndedOfDay";
import { Mark } from "../../shared/Mark";
import { Command, ErrorNotice, Loading } from "../../shared/Notices";
import { Facts } from "../../shared/Panel";
import { useType } from "../../shared/reads";
import { TextLink } from "../../shared/TextLink";
import { Time } from "../../shared/Time";

type Type = components["schemas"]["OneTypeOut"];
type Change = components["schemas"]["tidegate__contracts__pool_responses__ChangeOut"] | null;

/** One job type: its rules with the operators that set them, and the schema of its parameters. */
export function TypeDetail({ name, onClose }: { name: string; onClose: () => void }) {
  const type = useType(name);
  return (
    <DetailPanel title={`Type ${plain(name)}`} onClose={onClose}>
      {type.isError ? (
        <ErrorNotice error={type.error} onRetry={() => void type.refetch()} />
      ) : type.data === undefined ? (
        <Loading />
      ) : (
        <Known type={type.data} />
      )}
    </DetailPanel>
  );
}

function Known({ type }: { type: Type }) {
  return (
    <>
      {type.description === null ? null : <p style={{ marginTop: 0 }}>{plain(type.description)}</p>}
      <Acts type={type} />
      <Facts
        rows={[
          [
            "dispatching",
            type.paused ? (
              <Mark key="paused" icon="held" tone="wait">
                paused
              </Mark>
            ) : (
              <Mark key="open" icon="done" tone="good">
                open
              </Mark>
            ),
          ],
          ["pause set by", <SetBy key="paused" change={type.changes.paused} />],
          ["at once", type.max_running === null ? "no limit" : `at most ${type.max_running}`],
          ["limit set by", <SetBy key="limit" change={type.changes.max_running} />],
          ["second attempt", secondAttempt(type.second_attempt)],
          ["deployed", deployedWhere(type)],
          [
            "jobs",
            <TextLink key="jobs" to="/jobs" search={{ type: type.type }}>
              jobs of the type
            </TextLink>,
          ],
          [
            "acts",
            <TextLink key="acts" to="/audit" search={{ subject: `type#${type.type}` }}>
              who did what to it
            </TextLink>,
          ],
        ]}
      />
      <Typography component="h3" variant="h3" sx={{ mt: 2, mb: 1 }}>
        Ended jobs
      </Typography>
      <EndedOfDay type={type.type} />
      <Typography component="h3" variant="h3" sx={{ mt: 2, mb: 1 }}>
        Parameters
      </Typography>
      {type.parameters_schema === null ? (
        <p>The schema is not known.</p>
      ) : (
        <Box
          tabIndex={0}
          role="region"
          aria-label="JSON Schema of the parameters"
          sx={{ maxHeight: 420, overflow: "auto" }}
        >
          <Command text={plainLines(JSON.stringify(type.parameters_schema, null, 2))} />
        </Box>
      )}
    </>
  );
}

function deployedWhere(type: Pick<Type, "deployed" | "announced">): string {
  if (!type.deployed) return "no: a deploy removed its code, or its workers are gone";
  return type.announced ? `to the workers of ${type.announced.pool}, not to the API` : "yes";
}

function secondAttempt(isAllowed: boolean | null): string {
  if (isAllowed === null) return "-";
  return isAllowed ? "a straggler may get one" : "none";
}

function plainLines(text: string): string {
  return text.split("\n").map(plain).join("\n");
}

function SetBy({ change }: { change: Change }) {
  if (change === null) return <>nobody yet</>;
  return (
    <>
      {plain(change.by)}, <Time at={change.at} />
    </>
  );
}

function Acts({ type }: { type: Type }) {
  const api = useApi();
  const forbidden = useForbidden("operator");
  const path = { params: { path: { job_type: type.type } } };
  const gone = type.deployed ? null : "a deploy removed the type";
  return (
    <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", mb: 1.5, alignItems: "center" }}>
      {type.paused ? (
        <ActButton
          label="Resume"
          impossible={forbidden}
          run={() => answerOf(api.POST("/v1/types/{job_type}/resume", path))}
        />
      ) : (
        <ActButton
          label="Pause"
          impossible={forbidden ?? gone}
          ask={{
            title: `Pause type ${plain(type.type)}?`,
            content: () => (
              <p>No job of it is dispatched any more until somebody resumes it. Jobs that run go on.</p>
            ),
            confirm: "Pause the type",
          }}
          run={() => answerOf(api.POST("/v1/types/{job_type}/pause", path))}
        />
      )}
      <Limit type={type} impossible={forbidden ?? (type.max_running === null ? gone : null)} />
      <TextLink to="/submit" search={{ type: type.type }}>
        submit a job of this type
      </TextLink>
    </Box>
  );
}

function Limit({ type, impossible }: { type: Type; impossible: string | null }) {
  const api = useApi();
  const [most, setMost] = useState(type.max_running?.toString() ?? "");
  return (
    <ActButton
      label="Limit"
      impossible={impossible}
      ask={{
        title: `How many jobs of ${plain(type.type)} may run at once?`,
        // Somebody else may have changed the limit since the page was opened.
        begin: () => setMost(type.max_running?.toString() ?? ""),
        content: () => (
          <TextField
            label="at once"
            helperText="1 to 100; empty: no limit"
            value={most}
            onChange={(event) => setMost(event.target.value)}
            slotProps={{ htmlInput: { inputMode: "numeric" } }}
            sx={{ mt: 1 }}
            autoFocus
          />
        ),
        confirm: "Set the limit",
      }}
      run={async () => {
        const body = { max_running: wholeNumber("at once", most) };
        await answerOf(
          api.PUT("/v1/types/{job_type}/limit", { params: { path: { job_type: type.type } }, body }),
        );
      }}
    />
  );
}
