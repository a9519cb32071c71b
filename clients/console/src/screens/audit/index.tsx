import { Page } from "../../shared/Page";

export function AuditScreen() {
  return <Page title="Audit">{null}</Page>;
}
