import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { S3ReportStore } from '../../../../lambda/reporting/io/s3-report-store.ts';

/** A fake S3: stores puts, and responds with HTTP statuses. */
const objects = new Map<string, { readonly body: string; readonly type: string | undefined }>();
let server: Server;
let client: S3Client;
beforeAll(async () => {
  server = createServer(async (request, response) => {
    const name = decodeURIComponent(new URL(request.url ?? '', 'http://s3').pathname);
    if (request.method === 'PUT')
      objects.set(name, { body: await readBody(request), type: request.headers['content-type'] });
    const found = request.method === 'PUT' || objects.has(name) ? 200 : 404;
    response.writeHead(name.includes('forbidden') ? 403 : found).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  client = new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'eu-central-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
});
afterAll(() => {
  client.destroy();
  server.close();
});

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('the S3 report store', () => {
  it('stores a text by name, and reports which names exist', async () => {
    const store = new S3ReportStore(client, 'reports', 'eu-central-1');
    expect(await store.has('weekly/2026-W47/report.csv')).toBe(false);
    await store.put('weekly/2026-W47/report.csv', 'text/csv; charset=utf-8', 'a,“b”\r\n');
    expect(await store.has('weekly/2026-W47/report.csv')).toBe(true);
    const stored = objects.get('/reports/weekly/2026-W47/report.csv');
    expect(stored).toEqual({ body: 'a,“b”\r\n', type: 'text/csv; charset=utf-8' });
  });

  it('does not mistake a denied request for a missing file', async () => {
    const store = new S3ReportStore(client, 'forbidden', 'eu-central-1');
    await expect(store.has('delivered.txt')).rejects.toMatchObject({ name: 'StoreError', store: 'reports bucket' });
    await expect(store.put('delivered.txt', 'text/plain', '')).rejects.toThrow('cannot write delivered.txt');
  });

  it.each([
    ['eu-central-1', 'console.aws.amazon.com'],
    ['cn-north-1', 'console.amazonaws.cn'],
    ['us-gov-west-1', 'console.amazonaws-us-gov.com'],
  ])('links to the console in %s, and gives a download command', (region, host) => {
    const store = new S3ReportStore(client, 'reports', region);
    expect(store.linkTo('weekly/2026-W47/report.html')).toBe(
      `https://${region}.${host}/s3/object/reports?region=${region}&prefix=weekly/2026-W47/report.html`,
    );
    expect(store.downloadCommandFor('weekly/2026-W47/')).toBe(
      `aws s3 cp --recursive --region ${region} s3://reports/weekly/2026-W47/ .`,
    );
  });
});
