/** Who asks for something. */

export interface Actor {
  readonly id: string;
  readonly role: "user" | "admin" | "security_officer" | "service";
  readonly scopes: readonly string[];
}

/** The person at this machine's keyboard. */
export const LOCAL_USER: Actor = { id: "local", role: "user", scopes: ["prompt", "approve"] };
