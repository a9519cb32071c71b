import { Page } from "../../shared/Page";

export function WorkersScreen() {
  return <Page title="Workers">{null}</Page>;
}
