import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import { useRef, useState } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useForbidden } from "../../api/me";
import type { components } from "../../api/schema";
import { plain } from "../../domain/text";
import { EVENT_TYPES, namesOf, tagsOf } from "../../domain/webhooks";
import { ActButton } from "../../shared/ActButton";
import { CopyButton } from "../../shared/CopyButton";
import type { Webhook } from "./WebhookMark";

type WebhookIn = components["schemas"]["WebhookIn"];
type Tested = components["schemas"]["TestedOut"];

/** What the fields hold: texts, as they are typed. */
interface Fields {
  readonly url: string;
  readonly description: string;
  readonly events: string;
  readonly types: string;
  readonly pools: string;
  readonly states: string;
  readonly tags: string;
}

const EMPTY: Fields = { url: "", description: "", events: "", types: "", pools: "", states: "", tags: "" };

const LABELS: readonly (readonly [keyof Fields, string, string])[] = [
  ["url", "address", "https, on the public internet"],
  ["description", "description", "for people"],
  ["events", "events", `empty for all, or of ${EVENT_TYPES.join(", ")}`],
  ["types", "job types", "empty for all, or names with commas between them"],
  ["pools", "pools", "empty for all, or names with commas between them"],
  ["states", "states", "empty for all, or such as FAILED, TIMED_OUT"],
  ["tags", "tags", "empty for all, or such as team:data"],
];

function fieldsOf(webhook: Webhook): Fields {
  const joined = (names: readonly string[]) => names.join(", ");
  return {
    url: webhook.url,
    description: webhook.description ?? "",
    events: webhook.events.length === EVENT_TYPES.length ? "" : joined(webhook.events),
    types: joined(webhook.types),
    pools: joined(webhook.pools),
    states: joined(webhook.states),
    tags: joined(Object.entries(webhook.tags).map(([name, value]) => `${name}:${value}`)),
  };
}

function bodyOf(fields: Fields): WebhookIn {
  return {
    url: fields.url.trim(),
    description: fields.description.trim() === "" ? null : fields.description.trim(),
    events: namesOf(fields.events),
    types: namesOf(fields.types),
    pools: namesOf(fields.pools),
    states: namesOf(fields.states),
    tags: tagsOf(fields.tags),
  } as WebhookIn; // the API says which name is none
}

function WebhookFields({ fields, onChange }: { fields: Fields; onChange: (fields: Fields) => void }) {
  return (
    <Box sx={{ display: "grid", gap: 2, pt: 1 }}>
      {LABELS.map(([name, label, help]) => (
        <TextField
          key={name}
          label={label}
          helperText={help}
          value={fields[name]}
          onChange={(event) => onChange({ ...fields, [name]: event.target.value })}
        />
      ))}
    </Box>
  );
}

/** A secret, which no later answer shows. */
function Secret({ secret }: { secret: string }) {
  return (
    <Alert severity="warning" sx={{ mt: 1, overflowWrap: "anywhere" }}>
      The secret is shown this once. Give it to the receiver: <code>{plain(secret)}</code>
      <CopyButton label="Copy the secret" text={secret} />
    </Alert>
  );
}

/** Makes a webhook and shows its secret. */
export function NewWebhook({ onMade }: { onMade: (id: string) => void }) {
  const api = useApi();
  const forbidden = useForbidden("operator");
  const [fields, setFields] = useState(EMPTY);
  const [secret, setSecret] = useState("");
  // One key for a webhook however often somebody presses until there is an answer. Other fields are another webhook: under
  // the key of a request whose answer was lost, they would be refused for ever.
  const key = useRef(crypto.randomUUID() as string);
  const edit = (next: Fields) => {
    key.current = crypto.randomUUID();
    setFields(next);
  };
  return (
    <>
      <ActButton
        label="Make a webhook"
        impossible={forbidden}
        ask={{
          title: "Make a webhook",
          begin: () => setFields(EMPTY),
          content: () => <WebhookFields fields={fields} onChange={edit} />,
          confirm: "Make the webhook",
        }}
        run={async () => {
          const params = { header: { "Idempotency-Key": key.current } };
          const made = await answerOf(api.POST("/v1/webhooks", { params, body: bodyOf(fields) }));
          key.current = crypto.randomUUID();
          setSecret(made.secret);
          onMade(made.webhook.id);
        }}
      />
      {secret === "" ? null : <Secret secret={secret} />}
    </>
  );
}

/** The acts on a webhook. */
export function Acts({ webhook }: { webhook: Webhook }) {
  const api = useApi();
  const forbidden = useForbidden("operator");
  const [fields, setFields] = useState(() => fieldsOf(webhook));
  const [secret, setSecret] = useState("");
  const [tested, setTested] = useState<Tested | null>(null);
  const key = useRef(crypto.randomUUID() as string);
  const path = { webhook_id: webhook.id };
  return (
    <>
      <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", mb: 1 }}>
        <ActButton
          label="Send a test"
          impossible={forbidden}
          run={async () =>
            setTested(await answerOf(api.POST("/v1/webhooks/{webhook_id}/test", { params: { path } })))
          }
        />
        <ActButton
          label="Change"
          impossible={forbidden}
          ask={{
            title: "Change the webhook",
            begin: () => setFields(fieldsOf(webhook)),
            content: () => <WebhookFields fields={fields} onChange={setFields} />,
            confirm: "Change the webhook",
          }}
          run={() =>
            answerOf(api.PATCH("/v1/webhooks/{webhook_id}", { params: { path }, body: bodyOf(fields) }))
          }
        />
        {webhook.enabled ? (
          <ActButton
            label="Disable"
            impossible={forbidden}
            run={() => answerOf(api.POST("/v1/webhooks/{webhook_id}/disable", { params: { path } }))}
          />
        ) : (
          <ActButton
            label="Enable"
            impossible={forbidden}
            run={() => answerOf(api.POST("/v1/webhooks/{webhook_id}/enable", { params: { path } }))}
          />
        )}
        <ActButton
          label="Rotate the secret"
          impossible={forbidden}
          ask={{
            title: "Give the webhook a new secret?",
            content: () => (
              <p>Deliveries are signed with both for a while, so that the receiver can change.</p>
            ),
            confirm: "Rotate the secret",
          }}
          run={async () => {
            const params = { path, header: { "Idempotency-Key": key.current } };
            const { secret: made } = await answerOf(api.POST("/v1/webhooks/{webhook_id}/rotate", { params }));
            key.current = crypto.randomUUID();
            setSecret(made);
          }}
        />
        <ActButton
          label="Remove"
          color="error"
          impossible={forbidden}
          ask={{
            title: "Remove the webhook?",
            content: () => <p>Nothing more is sent to {plain(webhook.url)}.</p>,
            confirm: "Remove the webhook",
          }}
          run={() => answerOf(api.DELETE("/v1/webhooks/{webhook_id}", { params: { path } }))}
        />
      </Box>
      <div role="status">{tested === null ? null : <TestResult tested={tested} />}</div>
      {secret === "" ? null : <Secret secret={secret} />}
    </>
  );
}

function TestResult({ tested: { succeeded, delivery, answer, message } }: { tested: Tested }) {
  return (
    <Alert severity={succeeded ? "success" : "error"} sx={{ mb: 1, overflowWrap: "anywhere" }}>
      {succeeded ? "The receiver took it" : "The receiver did not take it"}
      {delivery.status === null ? "" : `, status ${delivery.status}`}
      {message === null ? "" : `: ${plain(message)}`}
      {answer === null || answer === "" ? null : (
        <pre style={{ margin: 0, whiteSpace: "pre-wrap" }}>{plain(answer)}</pre>
      )}
    </Alert>
  );
}
