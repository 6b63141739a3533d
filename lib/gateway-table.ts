import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, StreamViewType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from '../lambda/contract.ts';
import type { GatewayFunction } from './gateway-function.ts';

/** Props of a table. */
export type GatewayTableProps = {
  /** Enables a stream of changes. @default false */
  readonly stream?: boolean;
  /** Keeps the table when its stack is deleted, and protects it against deletion. @default true */
  readonly retain?: boolean;
};

/** A table with on-demand capacity, encryption, backups and, unless it need not be retained, deletion protection. */
export class GatewayTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, props: GatewayTableProps = {}) {
    super(scope, id);
    const retain = props.retain ?? true;
    this.table = new Table(this, 'Table', {
      partitionKey: { name: PARTITION_KEY, type: AttributeType.STRING },
      sortKey: { name: SORT_KEY, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: retain,
      removalPolicy: retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      timeToLiveAttribute: TTL_ATTRIBUTE,
      ...(props.stream === true ? { stream: StreamViewType.NEW_AND_OLD_IMAGES } : {}),
    });
  }

  /** Allows a function these actions on items whose partition key matches one of the patterns. */
  grantItems(reader: GatewayFunction, actions: readonly string[], partitions: readonly string[]): void {
    reader.role.addToPolicy(
      new PolicyStatement({
        actions: actions.map((action) => `dynamodb:${action}`),
        resources: [this.table.tableArn],
        conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [...partitions] } },
      }),
    );
  }
}

/** The tables of an environment. */
export type GatewayTables = {
  readonly ledger: GatewayTable;
  readonly registry: GatewayTable;
  readonly usage: GatewayTable;
};
