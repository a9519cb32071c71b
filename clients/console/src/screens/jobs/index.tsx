import { Page } from "../../shared/Page";

export function JobsScreen() {
  return <Page title="Jobs">{null}</Page>;
}
