import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { makeSession } from "./session";
import { Refused, type Tokens } from "./tokens";

const CONFIG = { issuer: "https://issuer.test", clientId: "c", scopes: ["openid"], pages: null };
const HOUR_MS = 3_600_000;

const exchange = vi.hoisted(() => ({
  connect: vi.fn(),
  signIn: vi.fn<() => Promise<Tokens>>(),
  renew: vi.fn<(refreshToken: string) => Promise<Tokens>>(),
}));
vi.mock("./issuer", () => ({ connect: exchange.connect }));

const tokens = (access: string, more: Partial<Tokens> = {}): Tokens => ({
  access,
  refresh: "r",
  expiresAtMs: Date.now() + HOUR_MS,
  name: "ann",
  ...more,
});

beforeEach(() => {
  vi.useFakeTimers();
  for (const call of Object.values(exchange)) call.mockReset();
  exchange.connect.mockResolvedValue({ endOfSession: "https://issuer.test/logout", ...exchange });
  exchange.signIn.mockImplementation(async () => tokens("first"));
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function signedIn() {
  const session = makeSession(CONFIG, "https://console.test/");
  await session.signIn();
  return session;
}

it("keeps a token that is good for longer than a minute", async () => {
  const session = await signedIn();
  vi.advanceTimersByTime(HOUR_MS - 61_000);
  expect(await session.token()).toBe("first");
  expect(exchange.renew).not.toHaveBeenCalled();
});

it("renews a token in its last minute, once for all calls that wait for it", async () => {
  const session = await signedIn();
  vi.advanceTimersByTime(HOUR_MS - 59_000);
  exchange.renew.mockImplementation(async () => tokens("later", { refresh: null, name: null }));
  expect(await Promise.all([session.token(), session.token()])).toEqual(["later", "later"]);
  expect(exchange.renew).toHaveBeenCalledExactlyOnceWith("r");
  expect(session.state()).toMatchObject({ signedIn: true, name: "ann" });
  vi.advanceTimersByTime(HOUR_MS);
  await session.token();
  expect(exchange.renew, "the refresh token that was given before stays good").toHaveBeenLastCalledWith("r");
});

it("keeps the session while the issuer can't be reached, for it may answer the next time", async () => {
  const session = await signedIn();
  vi.advanceTimersByTime(HOUR_MS - 30_000);
  exchange.renew.mockRejectedValueOnce(new TypeError("Failed to fetch"));
  expect(await session.token()).toBe("first");
  vi.advanceTimersByTime(HOUR_MS);
  exchange.renew.mockRejectedValueOnce(new TypeError("Failed to fetch"));
  await expect(session.token()).rejects.toThrow("Failed to fetch");
  expect(session.state().signedIn).toBe(true);
  exchange.renew.mockResolvedValue(tokens("later"));
  expect(await session.token()).toBe("later");
});

it.each([
  ["refuses", { refresh: "r" }],
  ["gives nothing to renew it with", { refresh: null }],
])("ends the session where the issuer %s, and says so", async (_, more) => {
  exchange.signIn.mockResolvedValue(tokens("first", more));
  const session = await signedIn();
  vi.advanceTimersByTime(2 * HOUR_MS);
  exchange.renew.mockRejectedValue(new Refused("invalid_grant"));
  expect(await session.token()).toBeNull();
  expect(session.state()).toMatchObject({ signedIn: false, said: expect.stringContaining("has ended") });
});

it("says why nobody is signed in, and asks an issuer again that could not be reached", async () => {
  exchange.connect.mockRejectedValueOnce(new TypeError("Failed to fetch"));
  const session = await signedIn();
  expect(session.state()).toMatchObject({ signedIn: false, said: "Not signed in: Failed to fetch" });
  await session.signIn();
  expect(session.state().signedIn).toBe(true);
});

it("signs out here at once, and at the issuer in a window of its own", async () => {
  const open = vi.spyOn(window, "open").mockReturnValue(null);
  const session = await signedIn();
  await session.signOut();
  expect(await session.token()).toBeNull();
  expect(String(open.mock.calls[0]?.[0])).toBe(
    "https://issuer.test/logout?client_id=c&logout_uri=https%3A%2F%2Fconsole.test%2F",
  );
});
