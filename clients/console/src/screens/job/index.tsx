import { Page } from "../../shared/Page";

export function JobScreen() {
  return <Page title="Job">{null}</Page>;
}
