import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { StubServers, stubUpstream } from '../../../support/groq/stub-upstream.ts';

const servers = new StubServers();
afterEach(() => servers.close());

/** Signs the certificate; the test that needs it is skipped on a machine without it. */
const SIGNER = 'openssl';
const hasSigner = spawnSync(SIGNER, ['version']).status === 0;

const NOT_SENT = {
  kind: 'rejected',
  refusal: { reason: 'groq_unavailable', message: 'Groq could not be reached. Nothing was billed; try again.' },
};

describe('a call of which no byte was written', () => {
  it.each<[string, () => Promise<string>]>([
    ['nothing listens', async () => 'http://127.0.0.1:9'],
    ['the name is unknown', async () => 'http://gateway.invalid'],
    ['the TLS handshake is reset', async () => `https://${await servers.accept((socket) => socket.resetAndDestroy())}`],
    ['the TLS handshake hangs', async () => `https://${await servers.accept(() => {})}`],
    [
      'the server speaks no TLS',
      async () => `https://${await servers.accept((socket) => socket.end('HTTP/1.1 400\r\n\r\n'))}`,
    ],
  ])('is free if %s', async (_what, address) => {
    expect(await stubUpstream(await address()).chat({}, 500)).toMatchObject(NOT_SENT);
  });

  it.skipIf(!hasSigner)('is free if the certificate is signed by an authority that nobody knows', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'certificate-'));
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    const selfSigned = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=127.0.0.1'];
    execFileSync(SIGNER, [...selfSigned, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) =>
      response.end('{}'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await stubUpstream(`https://127.0.0.1:${port}`).chat()).toMatchObject(NOT_SENT);
    server.close();
    rmSync(dir, { recursive: true });
  });

  it('is lost once a byte was written: the connection breaks', async () => {
    const address = await servers.accept((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await stubUpstream(`http://${address}`).chat()).toMatchObject({ kind: 'lost' });
  });

  it('is lost once a byte was written: no answer comes', async () => {
    const address = await servers.accept(() => {});
    expect(await stubUpstream(`http://${address}`).chat({}, 200)).toMatchObject({ kind: 'lost' });
  });
});

describe('a Groq key that cannot stand in a header', () => {
  it.each([
    'gsk_a\nb',
    'gsk_a\r\nx-evil: 1',
    'gsk_good\n',
    ' gsk_good',
    'gsk_go od',
    'gsk_gööd',
    'gsk_\u0000',
    'gsk_\u200b',
  ])('is refused where it is read, and nothing is sent: %j', async (apiKey) => {
    let requests = 0;
    const url = await servers.serve((_request, response) => {
      requests++;
      response.end('{}');
    });
    const { chat, logged } = stubUpstream(url, apiKey);
    expect(await chat()).toMatchObject({ kind: 'rejected', refusal: { reason: 'groq_key_missing' } });
    expect(requests).toBe(0);
    expect(logged).toMatchObject([{ event: 'groq_key_unreadable', error: expect.stringContaining('visible ASCII') }]);
    expect(JSON.stringify(logged)).not.toContain('gsk_');
  });
});
