import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { BudgetLedger } from '../../../lambda/ledger/budget-action.ts';
import { DynamoBudgets } from '../../../lambda/ledger/io/dynamo-budgets.ts';
import { DynamoLedger } from '../../../lambda/ledger/io/dynamo-ledger.ts';

/** A ledger, and the operations of people on it, each with its own caches like two processes. */
export class RealLedger extends DynamoLedger implements BudgetLedger {
  setLimit: DynamoBudgets['setLimit'];
  readonly setCap: DynamoBudgets['setCap'];
  readonly topUp: DynamoBudgets['topUp'];
  readonly topUpCap: DynamoBudgets['topUpCap'];
  readonly setPause: DynamoBudgets['setPause'];
  readonly revokeKey: DynamoBudgets['revokeKey'];
  readonly setPauseForAll: DynamoBudgets['setPauseForAll'];

  constructor(client: DynamoDBClient, table: string, nowEpochMs: () => number) {
    super(client, table, nowEpochMs);
    const budgets = new DynamoBudgets(client, table, nowEpochMs);
    this.setLimit = (...of) => budgets.setLimit(...of);
    this.setCap = (...of) => budgets.setCap(...of);
    this.topUp = (...of) => budgets.topUp(...of);
    this.topUpCap = (...of) => budgets.topUpCap(...of);
    this.setPause = (...of) => budgets.setPause(...of);
    this.revokeKey = (...of) => budgets.revokeKey(...of);
    this.setPauseForAll = (...of) => budgets.setPauseForAll(...of);
  }
}
