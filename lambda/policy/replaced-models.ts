import { ConfigError } from '../kernel/config-error.ts';
import type { Catalog } from '../pricing/catalog.ts';

/** The part of a team's policy that names its models. */
type ModelPolicy = {
  readonly team: string;
  readonly allowedModels: readonly string[];
  readonly onRetiredModel: 'refuse' | 'replace';
};

/**
 * Checks that a team which has retired models replaced may use each replacement, since calls of the retired one would
 * all be refused.
 *
 * @throws ConfigError that names the file, the team, both models and the two ways to mend it.
 */
export function checkReplacedModels(
  file: string,
  { team, allowedModels, onRetiredModel }: ModelPolicy,
  catalog: Catalog,
): void {
  if (onRetiredModel !== 'replace') return;
  for (const id of allowedModels) {
    const model = catalog.models.get(id);
    if (model?.status !== 'retired' || model.replacement === undefined) continue;
    if (allowedModels.includes(model.replacement)) continue;
    throw new ConfigError(
      `${file}: team "${team}": "allowedModels": "${id}" is retired and replaced by "${model.replacement}", which is not allowed; add "${model.replacement}" or remove "${id}"`,
    );
  }
}
