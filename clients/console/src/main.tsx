/** Starts the console in the page that the server made. */

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { makeApi } from "./api/client";
import { readConfig } from "./api/config";
import { finishSignIn, makeSession, NO_SIGN_IN } from "./api/session";
import { CALLBACK } from "./api/tokens";
import { App, makeQueryClient } from "./app/App";

const config = readConfig(document);
const place = document.getElementById("root");
if (place === null) throw new Error("the page has no element with the id root");
const basePath = new URL(document.baseURI).pathname.replace(/\/[^/]*$/, "") || "/";
// The nonce of the page's own script is hidden from the document's text, and still there as a property.
const nonce = document.querySelector<HTMLElement>("script[nonce]")?.nonce || undefined;

if (config.signIn !== null && location.pathname.endsWith(`/${CALLBACK}`)) {
  // A window that no page has opened, such as one that was loaded again, can hand over nothing: it shows the console.
  if (!finishSignIn()) location.replace(document.baseURI);
} else {
  const session = config.signIn === null ? NO_SIGN_IN : makeSession(config.signIn, document.baseURI);
  const api = makeApi(config, session.token);
  const queries = makeQueryClient();
  createRoot(place).render(
    <StrictMode>
      <App connection={{ api, config, session }} queries={queries} basePath={basePath} nonce={nonce} />
    </StrictMode>,
  );
}
