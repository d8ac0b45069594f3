/** Which models may answer: the one that was asked for, else one for each tier, and the fallbacks behind them. */
import type { ModelChoice } from "../core/ports/models.ts";
import type { ModelsOptions } from "./options.ts";
import type { Option } from "./routed.ts";

export type NamedChoice = Omit<Option, "open"> & { readonly choice: ModelChoice };

type Settings = Pick<ModelsOptions, "defaultModel" | "tiers" | "fallback">;

/** Empty when nothing is configured: then whatever is found answers alone. */
export function choicesOf(settings: Settings, choice: ModelChoice): readonly NamedChoice[] {
  const { tiers = {} } = settings;
  const given = choice.model ?? (choice.localProvider || choice.baseUrl ? undefined : settings.defaultModel);
  const found: NamedChoice[] = [];
  const add = (option: NamedChoice) => {
    if (!found.some(({ name }) => name === option.name)) found.push(option);
  };
  if (given !== undefined) {
    const tier = tierOf(tiers, given);
    const named = !(choice.remembered && tier);
    add({ name: given, named, fallback: false, choice, ...(tier ? { tier } : {}) });
  } else if (choice.localProvider || choice.baseUrl) return [];
  const bare = { named: false, choice };
  if (given === undefined || !found[0]?.named) {
    for (const tier of ["quality", "fast"] as const) {
      const name = tiers[tier];
      if (name !== undefined) add({ ...bare, name, tier, fallback: false, choice: only(choice, name) });
    }
  }
  for (const name of choice.fallback ?? settings.fallback ?? [])
    add({ ...bare, name, fallback: true, choice: only(choice, name) });
  return found;
}

/** The same wish for another model: address, provider and window belonged to the first one. */
function only({ remembered, fallback }: ModelChoice, model: string): ModelChoice {
  return {
    model,
    ...(remembered === undefined ? {} : { remembered }),
    ...(fallback === undefined ? {} : { fallback }),
  };
}

function tierOf(tiers: NonNullable<Settings["tiers"]>, name: string): "fast" | "quality" | undefined {
  return (["quality", "fast"] as const).find((tier) => tiers[tier] === name);
}
