/** Information-flow labels: how far a text may be trusted and how far it may travel. */

export interface Label {
  readonly integrity: "external" | "workspace" | "user" | "operator";
  readonly confidentiality: "public" | "workspace" | "secret";
}

/** What stands in the user's repository. */
export const WORKSPACE_LABEL: Label = { integrity: "workspace", confidentiality: "workspace" };
