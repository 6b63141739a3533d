import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { periodAt, periodDayRange } from '../../lambda/kernel/period.ts';
import { DynamoLedger } from '../../lambda/ledger/io/dynamo-ledger.ts';
import { DynamoAuditLog } from '../../lambda/policy/io/dynamo-audit-log.ts';
import { DynamoUsage } from '../../lambda/usage/io/dynamo-usage.ts';
import { requireDeployed } from '../support/gateway/target.ts';

const target = requireDeployed();
const dynamo = new DynamoDBClient({});

it('keeps spending, usage and the audit trail after cdk destroy, in tables with deletion protection', async () => {
  const ledger = new DynamoLedger(dynamo, target.ledgerTable, Date.now);
  expect((await ledger.read({ team: 'roomy', period: periodAt(Date.now()) }))?.spentPicoUsd).toBeGreaterThan(0n);
  const { from, to } = periodDayRange(periodAt(Date.now()));
  const usage = new DynamoUsage(dynamo, target.usageTable, Date.now);
  expect((await usage.listRows('roomy', from, to)).length).toBeGreaterThan(0);
  expect((await new DynamoAuditLog(dynamo, target.registryTable).listNewest(periodAt(Date.now()), 1)).length).toBe(1);
  for (const TableName of [target.ledgerTable, target.registryTable, target.usageTable]) {
    const { Table } = await dynamo.send(new DescribeTableCommand({ TableName }));
    expect(Table?.DeletionProtectionEnabled).toBe(true);
  }
});
