import type { Stack } from 'aws-cdk-lib';
import { addProjector, addPublisher, addReconciler, addRetirement, addSweeper } from './background-functions.ts';
import { FunctionFactory, type FunctionFactoryProps } from './function-factory.ts';
import type { GatewayFunction } from './gateway-function.ts';
import type { TeamSecrets } from './keys/team-secrets.ts';
import { addAdmin, addAuthorizer, addGateway } from './request-functions.ts';

/** Props of {@link GatewayFunctions}. */
export type GatewayFunctionsProps = FunctionFactoryProps & { readonly groqSecrets: TeamSecrets };

/** The functions that every environment has, each with its own permissions. `add` adds optional ones. */
export class GatewayFunctions extends FunctionFactory {
  readonly authorizer: GatewayFunction;
  readonly gateway: GatewayFunction;
  readonly admin: GatewayFunction;
  readonly publisher: GatewayFunction;
  readonly sweeper: GatewayFunction;
  readonly projector: GatewayFunction;
  readonly reconciler: GatewayFunction;
  readonly retirement: GatewayFunction;

  constructor(scope: Stack, props: GatewayFunctionsProps) {
    super(scope, props);
    const { tables, groqSecrets } = props;
    this.authorizer = addAuthorizer(this, tables);
    this.gateway = addGateway(this, tables, groqSecrets);
    this.admin = addAdmin(this, tables);
    this.publisher = addPublisher(this, tables);
    this.sweeper = addSweeper(this, tables);
    this.projector = addProjector(this, tables);
    this.reconciler = addReconciler(this, tables);
    this.retirement = addRetirement(this, tables);
  }
}
