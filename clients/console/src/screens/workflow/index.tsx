import { Page } from "../../shared/Page";

export function WorkflowScreen() {
  return <Page title="Workflow">{null}</Page>;
}
