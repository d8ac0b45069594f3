/** Logins at HTTP servers (OAuth 2.1, authorization code with PKCE): what is kept of them, and who asks for them. */
import { randomBytes } from "node:crypto";
import type {
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from "@modelcontextprotocol/client";
import type { Json } from "../../base/canonical-json.ts";
import { isFields } from "../../base/json-schema.ts";
import type { Document, HttpEntry } from "../../core/ports/mcp.ts";
import { loginNeeded } from "./faults.ts";
import { entryKey } from "./pins.ts";

export interface KeptLogin {
  readonly client?: StoredOAuthClientInformation;
  readonly tokens?: StoredOAuthTokens;
  /** When the tokens came, milliseconds since the epoch. */
  readonly at?: number;
  /** `host:port` of every server that the login went to. */
  readonly hosts?: readonly string[];
  /** What a call needed beyond what was granted: the next login asks for it. */
  readonly wanted?: string;
}

/** Logins of all servers, in one document that only the user can read. */
export interface OAuthBook {
  get(entry: HttpEntry): KeptLogin | undefined;
  merge(entry: HttpEntry, part: KeptLogin): void;
  drop(entry: HttpEntry, part: keyof KeptLogin): void;
  /** False when there was none. */
  forget(entry: HttpEntry): boolean;
  readonly now: () => number;
}

export function oauthBook(document: Document, now: () => number): OAuthBook {
  const read = (): Record<string, KeptLogin> => {
    const value = document.read();
    return isFields(value) ? (value as Record<string, KeptLogin>) : {};
  };
  const write = (all: Record<string, KeptLogin>) => document.write(all as unknown as Json);
  return {
    now,
    get: (entry) => {
      const all = read();
      return Object.hasOwn(all, entryKey(entry)) ? all[entryKey(entry)] : undefined;
    },
    merge: (entry, part) => {
      const all = read();
      write({ ...all, [entryKey(entry)]: { ...all[entryKey(entry)], ...part } });
    },
    drop: (entry, part) => {
      const all = read();
      const { [part]: _dropped, ...rest } = all[entryKey(entry)] ?? {};
      write({ ...all, [entryKey(entry)]: rest });
    },
    forget: (entry) => {
      const { [entryKey(entry)]: gone, ...rest } = read();
      if (gone) write(rest);
      return gone !== undefined;
    },
  };
}

/** In a session: kept tokens are used and renewed; a new login is the person's to start. */
export function sessionProvider(entry: HttpEntry, book: OAuthBook): OAuthClientProvider {
  const redirect = (url: URL) => {
    const wanted = url.searchParams.get("scope");
    if (wanted !== null) book.merge(entry, { wanted });
    throw loginNeeded(entry.name);
  };
  const { saveClientInformation: _never, ...provider } = providerFor(entry, book, {
    redirectUrl: "http://127.0.0.1/callback",
    redirect,
  });
  return provider;
}

export interface Login {
  readonly redirectUrl: string;
  /** Gets the address that the person opens. */
  readonly redirect: (url: URL) => void | Promise<void>;
  /** Compared when the browser comes back. */
  readonly state?: string;
}

/** 32 random bytes that only the browser which was sent out brings back. */
export function freshState(): string {
  return randomBytes(32).toString("base64url");
}

export function providerFor(entry: HttpEntry, book: OAuthBook, login: Login): OAuthClientProvider {
  const { oauth } = entry;
  let verifier = "";
  let discovery: OAuthDiscoveryState | undefined;
  const { state, redirectUrl } = login;
  const configured = () => {
    if (oauth.clientId === undefined) return undefined;
    const secret = oauth.clientSecret === undefined ? {} : { client_secret: oauth.clientSecret };
    return { client_id: oauth.clientId, ...secret };
  };
  const clientMetadata: OAuthClientMetadata = {
    client_name: "codecrucible",
    redirect_uris: [redirectUrl],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: oauth.clientSecret === undefined ? "none" : "client_secret_basic",
    ...(oauth.scope === undefined ? {} : { scope: oauth.scope }),
  };
  return {
    redirectUrl,
    clientMetadata,
    ...(oauth.clientMetadataUrl === undefined ? {} : { clientMetadataUrl: oauth.clientMetadataUrl }),
    ...(state === undefined ? {} : { state: () => state }),
    // Credentials belong to the authorization server that gave them.
    clientInformation: (context) => configured() ?? issuedBy(book.get(entry)?.client, context?.issuer),
    saveClientInformation: (client) => book.merge(entry, { client }),
    tokens: (context) => issuedBy(book.get(entry)?.tokens, context?.issuer),
    saveTokens: (tokens) => book.merge(entry, { tokens, at: book.now() }),
    redirectToAuthorization: (url) => login.redirect(url),
    saveCodeVerifier: (text) => {
      verifier = text;
    },
    codeVerifier: () => verifier,
    // The code goes back to the server that the login began with.
    saveDiscoveryState: (state) => {
      discovery = state;
    },
    discoveryState: () => discovery,
    invalidateCredentials: (what) => {
      if (what === "all" || what === "client") book.drop(entry, "client");
      if (what === "all" || what === "tokens") book.drop(entry, "tokens");
    },
  };
}

function issuedBy<T extends { issuer?: string | undefined }>(
  kept: T | undefined,
  issuer: string | undefined,
): T | undefined {
  return issuer === undefined || kept?.issuer === undefined || kept.issuer === issuer ? kept : undefined;
}
