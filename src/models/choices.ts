/** Which models may answer: the one that was asked for, else one for each tier, and the fallbacks behind them. */
import type { ModelChoice } from "../core/ports/models.ts";
import type { ModelsOptions } from "./options.ts";
import type { Option } from "./routed.ts";

export type NamedChoice = Omit<Option, "open"> & { readonly choice: ModelChoice };

type Settings = Pick<ModelsOptions, "defaultModel" | "tiers" | "fallback">;

/** The name of whichever model answers when none is named. */
const ANY = "any model";

/** Empty when nothing is configured: then whatever is found answers alone. */
export function choicesOf(settings: Settings, choice: ModelChoice): readonly NamedChoice[] {
  const { tiers = {}, defaultModel } = settings;
  const fallbacks = choice.fallback ?? settings.fallback ?? [];
  const placed = choice.localProvider !== undefined || choice.baseUrl !== undefined;
  const configured = defaultModel !== undefined || tiers.fast !== undefined || tiers.quality !== undefined;
  const wish = configured ? withoutStandIn(choice, tiers, fallbacks) : choice;
  const given = wish.model ?? (placed ? undefined : defaultModel);
  const found: NamedChoice[] = [];
  const add = (option: NamedChoice) => {
    if (!found.some(({ name }) => name === option.name)) found.push(option);
  };
  if (given !== undefined) {
    const tier = tierOf(tiers, given);
    const named = !(wish.remembered && tier);
    add({ name: given, named, fallback: false, choice: wish, ...(tier ? { tier } : {}) });
  }
  const bare = { named: false, choice };
  if (!placed && !found[0]?.named) {
    for (const tier of ["quality", "fast"] as const) {
      const name = tiers[tier];
      if (name !== undefined) add({ ...bare, name, tier, fallback: false, choice: only(choice, name) });
    }
  }
  if (found.length === 0 && fallbacks.length > 0) add({ ...bare, name: ANY, fallback: false });
  for (const name of fallbacks) add({ ...bare, name, fallback: true, choice: only(choice, name) });
  return found;
}

/** A fallback that had taken over the thread is not what was asked for: the others are tried first again. */
function withoutStandIn(
  choice: ModelChoice,
  tiers: NonNullable<Settings["tiers"]>,
  fallbacks: readonly string[],
): ModelChoice {
  const { model, window: _, ...rest } = choice;
  if (!choice.remembered || model === undefined || tierOf(tiers, model) || !fallbacks.includes(model)) return choice;
  return rest;
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
