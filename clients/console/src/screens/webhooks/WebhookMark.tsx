import type { components } from "../../api/schema";
import { Mark } from "../../shared/Mark";

export type Webhook = components["schemas"]["WebhookOut"];

/** Whether a webhook is sent to, as icon, word and colour. */
export function WebhookMark({ webhook }: { webhook: Webhook }) {
  return webhook.enabled ? (
    <Mark icon="done" tone="good">
      enabled
    </Mark>
  ) : (
    <Mark icon="held" tone={webhook.changed_by === "" ? "bad" : "wait"}>
      disabled
    </Mark>
  );
}
