import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { PROJECT_DIR } from '../local/settings.ts';

/** Bundles the handlers as for a deployment and returns their sizes in bytes. */
export async function measureBundles(): Promise<Record<string, { bytes: number; gzipBytes: number }>> {
  const sizes: Record<string, { bytes: number; gzipBytes: number }> = {};
  for (const handler of ['gateway', 'authorizer']) {
    const { outputFiles } = await build({
      entryPoints: [join(PROJECT_DIR, `lambda/functions/${handler}.ts`)],
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node24',
      mainFields: ['module', 'main'],
    });
    const content = outputFiles[0]?.contents ?? new Uint8Array();
    sizes[handler] = { bytes: content.length, gzipBytes: gzipSync(content).length };
  }
  return sizes;
}
