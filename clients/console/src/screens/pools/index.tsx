import { Page } from "../../shared/Page";

export function PoolsScreen() {
  return <Page title="Pools">{null}</Page>;
}
