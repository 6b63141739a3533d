import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { type Environment, type EnvironmentFile, parseEnvironment } from '../lambda/policy/environment.ts';
import { type Catalog, parseCatalog } from '../lambda/pricing/catalog.ts';
import { StartError } from './settings.ts';

/** An environment and a catalog, parsed and as in their files. */
export type Configuration = {
  readonly environment: Environment;
  readonly environmentFile: EnvironmentFile;
  readonly catalog: Catalog;
  readonly catalogFile: unknown;
};

/**
 * Reads and validates the two configuration files.
 *
 * @throws ConfigError or StartError naming the file and the fault.
 */
export async function loadConfiguration(environmentPath: string, catalogPath: string): Promise<Configuration> {
  const catalogFile = await readJson(catalogPath);
  const catalog = parseCatalog(catalogPath, catalogFile);
  const content = environmentPath.endsWith('.ts')
    ? await importDefault(environmentPath)
    : await readJson(environmentPath);
  const environment = parseEnvironment(environmentPath, content, catalog);
  return { environment, environmentFile: content as EnvironmentFile, catalog, catalogFile };
}

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new StartError(`${path}: cannot be read: ${firstErrorLine(cause)}`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StartError(`${path}: is not valid JSON: ${firstErrorLine(cause)}`, { cause });
  }
}

async function importDefault(path: string): Promise<unknown> {
  let module: { readonly default?: unknown };
  try {
    module = await import(pathToFileURL(path).href);
  } catch (cause) {
    throw new StartError(`${path}: cannot be loaded: ${firstErrorLine(cause)}`, { cause });
  }
  if (module.default === undefined)
    throw new StartError(`${path}: has no default export; export the environment by "export default"`);
  return module.default;
}

function firstErrorLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
}
