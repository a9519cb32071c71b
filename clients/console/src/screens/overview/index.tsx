import { Page } from "../../shared/Page";

export function OverviewScreen() {
  return <Page title="Overview">{null}</Page>;
}
