import { fileURLToPath } from 'node:url';

/** Path of an environment file of this folder; the gateway names the environment after it. */
export function environmentFile(name: 'dev' | 'prod'): string {
  return fileURLToPath(new URL(`${name}.ts`, import.meta.url));
}
