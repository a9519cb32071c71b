// @vitest-environment node
// The hash of a secret needs buffers of the same realm as the library, which jsdom has not.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { connect } from "./issuer";
import { CALLBACK, Refused } from "./tokens";

const ISSUER = "https://issuer.test";
const CONFIG = { issuer: ISSUER, clientId: "c", scopes: ["openid", "tidegate/read"], pages: `${ISSUER}/` };
const BASE = "https://console.test/console/";

const fetched = vi.fn<(input: RequestInfo | URL, init?: RequestInit) => Promise<Response>>();
const open = vi.fn<(address: string | URL) => object | null>();
let opened: { closed: boolean };
let asked: URL;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  fetched.mockReset();
  vi.stubGlobal("fetch", fetched);
  opened = { closed: false };
  open.mockReset().mockImplementation((address) => {
    asked = new URL(address);
    return opened;
  });
  vi.stubGlobal("window", Object.assign(new EventTarget(), { open }));
  vi.stubGlobal("location", { origin: "https://console.test" });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const json = (body: object, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

const part = (value: object) =>
  btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

function idToken(claims: object = {}): string {
  const now = Math.floor(Date.now() / 1_000);
  const all = {
    iss: ISSUER,
    aud: "c",
    sub: "s-1",
    email: "ann@example.com",
    iat: now,
    exp: now + 60,
    ...claims,
  };
  return `${part({ alg: "RS256" })}.${part(all)}.c2lnbmF0dXJl`;
}

/** Sends a message to this page as the window of the sign-in would. */
function hand(address: string, more: { origin?: string; source?: object } = {}) {
  const { origin = location.origin, source = opened } = more;
  const message = Object.assign(new Event("message"), { data: { [CALLBACK]: address }, origin, source });
  window.dispatchEvent(message);
}

async function signIn(answer: () => string) {
  const issuer = await connect(CONFIG, BASE);
  const ended = issuer.signIn();
  await vi.waitFor(() => expect(open).toHaveBeenCalled());
  await Promise.resolve();
  hand(answer());
  return ended;
}

const good = () => `${BASE}${CALLBACK}?code=k&state=${asked.searchParams.get("state")}`;

it("exchanges the code of the window with the secret whose hash it has sent", async () => {
  fetched.mockResolvedValue(
    json({
      access_token: "a",
      token_type: "Bearer",
      refresh_token: "r",
      expires_in: 60,
      id_token: idToken(),
    }),
  );
  const before = Date.now();
  const tokens = await signIn(good);
  expect(tokens).toMatchObject({ access: "a", refresh: "r", name: "ann@example.com" });
  expect(tokens.expiresAtMs).toBeGreaterThanOrEqual(before + 60_000);
  expect(`${asked.origin}${asked.pathname}`).toBe(`${ISSUER}/oauth2/authorize`);
  const sent = new URLSearchParams(String(fetched.mock.calls[0]?.[1]?.body));
  expect(sent.get("redirect_uri")).toBe(`${BASE}${CALLBACK}`);
  const hash = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(sent.get("code_verifier") ?? ""),
  );
  const text = btoa(String.fromCharCode(...new Uint8Array(hash)));
  expect(asked.searchParams.get("code_challenge")).toBe(
    text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""),
  );
});

it("refuses an address of another sign-in", async () => {
  await expect(signIn(() => `${BASE}${CALLBACK}?code=k&state=other`)).rejects.toThrow();
  expect(fetched).not.toHaveBeenCalled();
});

it("refuses claims of another issuer", async () => {
  const claims = idToken({ iss: "https://other.test" });
  fetched.mockResolvedValue(json({ access_token: "a", token_type: "Bearer", id_token: claims }));
  await expect(signIn(good)).rejects.toThrow();
});

it.each([-8, 8])("takes claims while the clock of this computer is wrong by %i hours", async (hours) => {
  const now = Math.floor(Date.now() / 1_000) + hours * 3_600;
  const claims = idToken({ iat: now, exp: now + 60 });
  fetched.mockResolvedValue(json({ access_token: "a", token_type: "Bearer", id_token: claims }));
  expect(await signIn(good)).toMatchObject({ access: "a", name: "ann@example.com" });
});

it("hears no other window and no other origin", async () => {
  const issuer = await connect(CONFIG, BASE);
  const ended = issuer.signIn();
  const settled = vi.fn();
  ended.then(settled, settled);
  await vi.waitFor(() => expect(open).toHaveBeenCalled());
  hand(good(), { origin: "https://evil.test" });
  hand(good(), { source: {} });
  await new Promise((done) => setTimeout(done));
  expect(settled).not.toHaveBeenCalled();
  opened.closed = true;
  vi.advanceTimersByTime(1_000);
  await expect(ended).rejects.toThrow("closed before the sign-in ended");
});

it("says how to allow the window that the browser blocked", async () => {
  open.mockReturnValue(null);
  const issuer = await connect(CONFIG, BASE);
  await expect(issuer.signIn()).rejects.toThrow("blocked the window");
});

it("tells a refusal from an issuer that does not answer", async () => {
  await expect(
    signIn(() => `${BASE}${CALLBACK}?error=access_denied&state=${asked.searchParams.get("state")}`),
  ).rejects.toThrow(new Refused("access_denied"));
  const issuer = await connect(CONFIG, BASE);
  fetched.mockResolvedValueOnce(json({ error: "invalid_grant", error_description: "It was revoked." }, 400));
  await expect(issuer.renew("r")).rejects.toThrow(new Refused("It was revoked."));
  fetched.mockRejectedValueOnce(new TypeError("Failed to fetch"));
  await expect(issuer.renew("r")).rejects.toThrow(new TypeError("Failed to fetch"));
});

it("asks the issuer for its addresses where the page does not tell them, over TLS alone", async () => {
  const description = {
    issuer: ISSUER,
    token_endpoint: `${ISSUER}/token`,
    authorization_endpoint: `${ISSUER}/in`,
  };
  fetched.mockResolvedValue(json(description));
  const issuer = await connect({ ...CONFIG, pages: null }, BASE);
  expect(String(fetched.mock.calls[0]?.[0])).toBe(`${ISSUER}/.well-known/openid-configuration`);
  expect(issuer.endOfSession).toBeNull();
  await expect(connect({ ...CONFIG, issuer: "http://issuer.test", pages: null }, BASE)).rejects.toThrow(
    /HTTP/,
  );
});
