import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useForbidden } from "../../api/me";
import type { components } from "../../api/schema";
import { PLACEHOLDERS } from "../../domain/timetables";
import { ActButton } from "../../shared/ActButton";
import { Command } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { Panel } from "../../shared/Panel";
import { bodyOf, NEW_RULES, RuleFields } from "./RuleFields";

type TimetableIn = components["schemas"]["TimetableIn"];

const EXAMPLE = "type: tidegate.sleep\nparameters: {seconds: 2}\n";

/** A new timetable: when it runs, and the job or the workflow that each run submits. */
export function NewTimetableScreen() {
  const api = useApi();
  const navigate = useNavigate();
  const forbidden = useForbidden("client");
  const [rules, setRules] = useState(NEW_RULES);
  const [template, setTemplate] = useState("");
  const [key] = useState(() => crypto.randomUUID() as string);
  const make = async () => {
    const { readText } = await import("../submit/readText");
    const read = readText(template);
    if ("broken" in read) throw new Error(`what each run submits: ${read.broken}`);
    const isWorkflow = read.value !== null && typeof read.value === "object" && "jobs" in read.value;
    const body = { ...bodyOf(rules), [isWorkflow ? "workflow" : "job"]: read.value } as TimetableIn;
    const params = { header: { "Idempotency-Key": key } };
    const made = await answerOf(api.POST("/v1/timetables", { params, body }));
    await navigate({ to: "/timetables/$timetableId", params: { timetableId: made.timetable_id } });
  };
  return (
    <Page title="New timetable">
      <Panel title="When it runs">
        <RuleFields rules={rules} onChange={setRules} />
      </Panel>
      <Panel title="What each run submits">
        <Box sx={{ display: "grid", gap: 2 }}>
          <p style={{ margin: 0 }}>
            A job, or a workflow with <code>jobs</code>, as you would submit it. Texts among the parameters
            may hold the time of the run: {PLACEHOLDERS.join(" or ")}.
          </p>
          <TextField
            label="job or workflow (JSON or YAML)"
            multiline
            rows={10}
            placeholder={EXAMPLE}
            value={template}
            onChange={(event) => setTemplate(event.target.value)}
            slotProps={{
              htmlInput: { spellCheck: false, style: { fontFamily: "monospace" } },
              inputLabel: { shrink: true },
            }}
          />
          <div>
            <ActButton
              label="Make the timetable"
              impossible={forbidden ?? (template.trim() === "" ? "say what each run submits" : null)}
              run={make}
            />
          </div>
          <div>
            The command line does the same:
            <Command text="tidegate timetables create timetable.yaml" />
          </div>
        </Box>
      </Panel>
    </Page>
  );
}
