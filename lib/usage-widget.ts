import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { GatewayFunction } from './gateway-function.ts';
import { letReadSpending, type SpendingTables } from './spending-reader.ts';

/** What draws, from what. */
export type UsageWidgetProps = SpendingTables & { readonly drawer: GatewayFunction };

/**
 * The table of a week for a custom widget of a dashboard. CloudWatch calls the function with the rights of whoever looks:
 * they need `lambda:InvokeFunction` on it, and nobody else does.
 */
export class UsageWidget extends Construct {
  readonly function: IFunction;

  constructor(scope: Construct, id: string, { drawer, ...tables }: UsageWidgetProps) {
    super(scope, id);
    letReadSpending(drawer, tables);
    this.function = drawer.function;
  }
}
