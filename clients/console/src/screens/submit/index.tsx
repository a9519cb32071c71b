import { Page } from "../../shared/Page";

export function SubmitScreen() {
  return <Page title="Submit">{null}</Page>;
}
