/** Information-flow labels: how far a text may be trusted and how far it may travel. */

const INTEGRITY = ["external", "workspace", "user", "operator"] as const;
const CONFIDENTIALITY = ["public", "workspace", "secret"] as const;

export interface Label {
  readonly integrity: (typeof INTEGRITY)[number];
  readonly confidentiality: (typeof CONFIDENTIALITY)[number];
}

/** What stands in the user's repository. */
export const WORKSPACE_LABEL: Label = { integrity: "workspace", confidentiality: "workspace" };

/** Join of two labels: the lowest integrity and the highest confidentiality. */
export function joinLabels(a: Label, b: Label): Label {
  const integrity = Math.min(INTEGRITY.indexOf(a.integrity), INTEGRITY.indexOf(b.integrity));
  const confidentiality = Math.max(
    CONFIDENTIALITY.indexOf(a.confidentiality),
    CONFIDENTIALITY.indexOf(b.confidentiality),
  );
  return {
    integrity: INTEGRITY[integrity] ?? "external",
    confidentiality: CONFIDENTIALITY[confidentiality] ?? "secret",
  };
}
