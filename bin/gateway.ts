import { readFileSync } from 'node:fs';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import dev from '../config/environments/dev.ts';
import prod from '../config/environments/prod.ts';
import staging from '../config/environments/staging.ts';
import { parseCatalog } from '../lambda/core/catalog.ts';
import { parseEnvironment } from '../lambda/core/environment.ts';
import { GatewayStack } from '../lib/gateway-stack.ts';

const CATALOG = 'config/catalog.json';
const catalog = parseCatalog(CATALOG, JSON.parse(readFileSync(CATALOG, 'utf8')));

const app = new App();
for (const [environmentName, content] of Object.entries({ dev, staging, prod })) {
  // A configuration that cannot be deployed fails here, with one line that says why.
  parseEnvironment(`config/environments/${environmentName}.ts`, content, catalog);
  new GatewayStack(app, `groq-gateway-${environmentName}`, { environmentName });
}
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
