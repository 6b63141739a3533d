import type { Identity } from '../../access/identity.ts';
import { allowedModelsFor } from '../../access/model-list.ts';
import { didYouMean } from '../../kernel/nearest-word.ts';
import { type Refusal, refuse } from '../../kernel/refusals.ts';
import type { TeamPolicy } from '../../policy/environment.ts';
import { type Catalog, type ChatModel, explainUnpriced } from '../../pricing/catalog.ts';

/** The model that serves a call, and the retired one that it replaces. */
export type ModelChoice = { readonly model: ChatModel; readonly replacedModel: string | undefined };

/** Chooses the model for a requested id, or refuses one that the key may not call, has no price or is retired. */
export function chooseModel(
  policy: TeamPolicy,
  catalog: Catalog,
  id: string,
  identity: Identity,
): ModelChoice | Refusal {
  const param = 'model';
  const models = allowedModelsFor(policy, identity);
  // Only refusals list the models, so only they compute the list.
  const suggestions = () => suggestableModels(models, policy, catalog);
  const allowed = () =>
    `${identity.scope?.models === undefined ? `Team "${policy.team}"` : 'This key'} may use: ${suggestions().join(', ')}.`;
  const unpriced = explainUnpriced(catalog, id);
  if (unpriced !== undefined) {
    return refuse('model_not_priced', `The model \`${id}\` ${unpriced}. ${allowed()}`, { param });
  }
  const model = catalog.models.get(id);
  if (model === undefined) {
    const name = id.length > 128 ? `${id.slice(0, 128)}…` : id;
    const hint = didYouMean(name, suggestions()) || '.';
    return refuse('model_not_found', `The model \`${name}\` does not exist${hint} ${allowed()}`, { param });
  }
  if (!models.includes(id)) {
    return refuse('model_not_allowed', `The model \`${id}\` is not allowed. ${allowed()}`, { param });
  }
  if (model.kind !== 'chat') {
    const does = model.kind === 'speech' ? 'speaks texts' : 'transcribes audio';
    const message = `The model \`${id}\` ${does} and does not answer chat completions.`;
    return refuse('invalid_request', message, { param });
  }
  if (model.status !== 'retired') return { model, replacedModel: undefined };
  const replacement = model.replacement === undefined ? undefined : catalog.models.get(model.replacement);
  if (policy.onRetiredModel === 'replace' && replacement?.kind === 'chat' && replacement.status !== 'retired') {
    // The model that answers must be allowed too: an alias must not reach what its own name would not.
    if (models.includes(replacement.id)) return { model: replacement, replacedModel: id };
    const message = `Groq retired the model \`${id}\`, and its replacement \`${replacement.id}\` is not allowed. ${allowed()}`;
    return refuse('model_not_allowed', message, { param });
  }
  const since = model.retiredOn === undefined ? '' : ` on ${model.retiredOn}`;
  const instead = model.replacement === undefined ? '' : ` Use \`${model.replacement}\` instead.`;
  return refuse('model_decommissioned', `Groq retired the model \`${id}\`${since}.${instead}`, { param });
}

/** The models to suggest in a refusal: those still served, or replaced by an allowed one; all if none is. */
function suggestableModels(models: readonly string[], policy: TeamPolicy, catalog: Catalog): readonly string[] {
  const served = models.filter((id) => {
    const model = catalog.models.get(id);
    if (model?.status !== 'retired') return true;
    return policy.onRetiredModel === 'replace' && models.includes(model.replacement ?? '');
  });
  return served.length === 0 ? models : served;
}
