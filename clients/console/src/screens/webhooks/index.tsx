import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useLive } from "../../api/live";
import { plain } from "../../domain/text";
import { wantedText } from "../../domain/webhooks";
import { Freshness } from "../../shared/Freshness";
import { Command, Empty, Loading, ReadNotice } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { Split } from "../../shared/Panel";
import { Ago } from "../../shared/Time";
import { tableHeight } from "../../shared/tableHeight";
import { useAddress } from "../../shared/useAddress";
import { type Column, VirtualTable } from "../../shared/VirtualTable";
import { NewWebhook } from "./Acts";
import { WebhookDetail } from "./WebhookDetail";
import { type Webhook, WebhookMark } from "./WebhookMark";

const COLUMNS: readonly Column<Webhook>[] = [
  { id: "url", title: "address", width: "minmax(220px, 3fr)", cell: (webhook) => plain(webhook.url) },
  {
    id: "wants",
    title: "wants",
    width: "minmax(160px, 2fr)",
    cell: (webhook) => plain(wantedText(webhook)),
  },
  { id: "state", title: "state", width: "130px", cell: (webhook) => <WebhookMark webhook={webhook} /> },
  {
    id: "success",
    title: "delivered",
    width: "130px",
    cell: (webhook) => <Ago at={webhook.last_success_at} />,
  },
];

/** The webhooks, and one of them with its deliveries. */
export function WebhooksScreen() {
  const { search: address, change } = useAddress();
  const api = useApi();
  const webhooks = useLive({
    key: ["webhooks"],
    read: (signal) => answerOf(api.GET("/v1/webhooks", { signal })),
  });
  const rows = webhooks.data?.webhooks;
  const chosen = rows?.find((row) => row.id === address.webhook);
  const open = (webhook: string) => change({ webhook });
  return (
    <Page title="Webhooks" aside={<Freshness query={webhooks} />}>
      <div>
        <NewWebhook onMade={open} />
      </div>
      <ReadNotice query={webhooks} />
      {rows === undefined ? (
        webhooks.isError ? null : (
          <Loading />
        )
      ) : rows.length === 0 ? (
        <Empty title="No address is told of events.">
          Make a webhook here, or by the command line:
          <Command text="tidegate webhooks create https://example.com/hook --event job.ended" />
        </Empty>
      ) : (
        <Split
          detail={
            chosen === undefined ? null : (
              <WebhookDetail key={chosen.id} webhook={chosen} onClose={() => change({ webhook: "" })} />
            )
          }
        >
          <VirtualTable
            label="webhooks"
            rows={rows}
            columns={COLUMNS}
            rowId={(row) => row.id}
            onOpen={(row) => open(row.id)}
            current={chosen?.id ?? null}
            height={tableHeight(rows.length)}
          />
        </Split>
      )}
    </Page>
  );
}
