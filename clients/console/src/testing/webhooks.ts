/** Webhooks as the API answers with them. */

import type { components } from "../api/schema";

const AT = "2026-12-01T05:00:00.000Z";
export const WEBHOOK_ID = "01KBC7RV8M5B6W2Y3Q7RVXN4CW";

export function aWebhook(more: Partial<components["schemas"]["WebhookOut"]> = {}) {
  return {
    id: WEBHOOK_ID,
    url: "https://example.com/hook",
    description: "chat",
    enabled: true,
    disabled_reason: null,
    events: ["job.ended"],
    types: ["load"],
    pools: [],
    states: ["FAILED"],
    tags: { team: "data" },
    last_success_at: AT,
    old_secret_until: null,
    created_by: "ann",
    created_at: AT,
    changed_by: "ann",
    changed_at: AT,
    ...more,
  };
}

export function aDelivery(more: Partial<components["schemas"]["DeliveryOut"]> = {}) {
  return {
    id: "01KBC7RV8M5B6W2Y3Q7RVXN4CX",
    event_id: "e1",
    event_type: "job.ended",
    attempt: 1,
    at: AT,
    took_seconds: 0.2,
    outcome: "delivered",
    status: 204,
    fault: null,
    ...more,
  };
}

/** What the screen of the webhooks asks for. */
export const WEBHOOK_ANSWERS = {
  "GET /v1/webhooks": { webhooks: [aWebhook()] },
  [`GET /v1/webhooks/${WEBHOOK_ID}/deliveries`]: { deliveries: [aDelivery()], cursor: null },
};
