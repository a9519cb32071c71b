import { Page } from "../../shared/Page";

export function WorkflowsScreen() {
  return <Page title="Workflows">{null}</Page>;
}
