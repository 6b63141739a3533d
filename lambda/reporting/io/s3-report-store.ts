import { HeadObjectCommand, NotFound, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { StoreError } from '../../kernel/store-error.ts';
import type { ReportStore } from '../deliver-weekly-report.ts';

/** Stores reports in an S3 bucket. */
export class S3ReportStore implements ReportStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #region: string;

  constructor(client: S3Client, bucket: string, region: string) {
    this.#client = client;
    this.#bucket = bucket;
    this.#region = region;
  }

  async put(name: string, contentType: string, text: string): Promise<void> {
    try {
      await this.#client.send(
        new PutObjectCommand({ Bucket: this.#bucket, Key: name, ContentType: contentType, Body: text }),
      );
    } catch (cause) {
      throw new StoreError('reports bucket', `cannot write ${name}`, { cause });
    }
  }

  async has(name: string): Promise<boolean> {
    try {
      await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: name }));
      return true;
    } catch (cause) {
      if (cause instanceof NotFound) return false;
      throw new StoreError('reports bucket', `cannot check for ${name}`, { cause });
    }
  }

  /** A link to the S3 console. It does not expire, unlike a URL presigned by a function's role, which lasts hours at most. */
  linkTo(name: string): string {
    return `https://${this.#region}.${consoleDomain(this.#region)}/s3/object/${this.#bucket}?region=${this.#region}&prefix=${name}`;
  }

  downloadCommandFor(prefix: string): string {
    return `aws s3 cp --recursive --region ${this.#region} s3://${this.#bucket}/${prefix} .`;
  }
}

function consoleDomain(region: string): string {
  if (region.startsWith('cn-')) return 'console.amazonaws.cn';
  return region.startsWith('us-gov-') ? 'console.amazonaws-us-gov.com' : 'console.aws.amazon.com';
}
