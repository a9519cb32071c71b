import { Page } from "../../shared/Page";

export function TypesScreen() {
  return <Page title="Types">{null}</Page>;
}
