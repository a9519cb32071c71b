import Typography from "@mui/material/Typography";
import { useState } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useLive } from "../../api/live";
import type { components } from "../../api/schema";
import { plain } from "../../domain/text";
import { durationText } from "../../domain/times";
import { wantedText } from "../../domain/webhooks";
import { DetailPanel } from "../../shared/DetailPanel";
import { Mark } from "../../shared/Mark";
import { Loading, ReadNotice } from "../../shared/Notices";
import { Facts } from "../../shared/Panel";
import { ReasonedButton } from "../../shared/ReasonedButton";
import { TextLink } from "../../shared/TextLink";
import { Ago, Time } from "../../shared/Time";
import { tableHeight } from "../../shared/tableHeight";
import { type Column, VirtualTable } from "../../shared/VirtualTable";
import { Acts } from "./Acts";
import { type Webhook, WebhookMark } from "./WebhookMark";

type Delivery = components["schemas"]["DeliveryOut"];

const PAGE = 50;

const COLUMNS: readonly Column<Delivery>[] = [
  { id: "at", title: "sent", width: "minmax(90px, 1fr)", cell: (delivery) => <Ago at={delivery.at} /> },
  {
    id: "event",
    title: "event",
    width: "minmax(110px, 1fr)",
    cell: (delivery) => plain(delivery.event_type),
  },
  { id: "attempt", title: "try", width: "50px", align: "right", cell: (delivery) => delivery.attempt },
  {
    id: "outcome",
    title: "outcome",
    width: "minmax(150px, 2fr)",
    cell: (delivery) => <Outcome delivery={delivery} />,
  },
];

function Outcome({ delivery }: { delivery: Delivery }) {
  const isGood = delivery.fault === null && delivery.status !== null && delivery.status < 300;
  return (
    <Mark icon={isGood ? "done" : "failed"} tone={isGood ? "good" : "bad"}>
      {plain(
        `${delivery.status ?? delivery.fault ?? delivery.outcome}, ${durationText(delivery.took_seconds)}`,
      )}
    </Mark>
  );
}

/** One webhook: what it wants, who made it, the acts on it, and the attempts to deliver to it. */
export function WebhookDetail({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  return (
    <DetailPanel title={`Webhook ${plain(webhook.description ?? webhook.id)}`} onClose={onClose}>
      <Acts webhook={webhook} />
      <Facts
        rows={[
          ["address", plain(webhook.url)],
          ["state", <WebhookMark key="state" webhook={webhook} />],
          ...(webhook.disabled_reason === null
            ? []
            : [["disabled because", plain(webhook.disabled_reason)] as const]),
          ["wants", plain(wantedText(webhook))],
          ["last delivered", <Time key="success" at={webhook.last_success_at} />],
          ...(webhook.old_secret_until === null
            ? []
            : [["old secret signs until", <Time key="old" at={webhook.old_secret_until} />] as const]),
          ["made", <By key="made" by={webhook.created_by} at={webhook.created_at} />],
          ["changed", <By key="changed" by={webhook.changed_by} at={webhook.changed_at} />],
          [
            "acts",
            <TextLink key="acts" to="/audit" search={{ subject: webhook.id }}>
              who did what to it
            </TextLink>,
          ],
        ]}
      />
      <Typography component="h3" variant="h3" sx={{ mt: 2, mb: 1 }}>
        Deliveries
      </Typography>
      <Deliveries webhookId={webhook.id} />
    </DetailPanel>
  );
}

function By({ by, at }: { by: string; at: string | null }) {
  return (
    <>
      {by === "" ? <>tidegate itself</> : plain(by)}, <Time at={at} />
    </>
  );
}

function Deliveries({ webhookId }: { webhookId: string }) {
  const api = useApi();
  const [cursor, setCursor] = useState("");
  const query = { limit: PAGE, ...(cursor === "" ? {} : { cursor }) };
  const deliveries = useLive({
    key: ["webhooks", webhookId, "deliveries", query],
    read: (signal) =>
      answerOf(
        api.GET("/v1/webhooks/{webhook_id}/deliveries", {
          params: { path: { webhook_id: webhookId }, query },
          signal,
        }),
      ),
  });
  const rows = deliveries.data?.deliveries;
  const next = deliveries.data?.cursor ?? "";
  return (
    <>
      <ReadNotice query={deliveries} />
      {rows === undefined ? (
        deliveries.isError ? null : (
          <Loading lines={3} />
        )
      ) : rows.length === 0 ? (
        <p style={{ margin: 0 }}>Nothing was sent {cursor === "" ? "yet" : "before these"}.</p>
      ) : (
        <VirtualTable
          label="deliveries"
          rows={rows}
          columns={COLUMNS}
          rowId={(row) => row.id}
          height={tableHeight(rows.length)}
        />
      )}
      {cursor === "" ? null : (
        <ReasonedButton impossible={null} onClick={() => setCursor("")}>
          The latest
        </ReasonedButton>
      )}
      {next === "" ? null : (
        <ReasonedButton impossible={null} onClick={() => setCursor(next)}>
          Earlier ones
        </ReasonedButton>
      )}
    </>
  );
}
