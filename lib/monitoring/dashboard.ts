import { Duration } from 'aws-cdk-lib';
import {
  CustomWidget,
  Dashboard,
  type IWidget,
  LogQueryVisualizationType,
  LogQueryWidget,
  PeriodOverride,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { GatewayFunction } from '../gateway-function.ts';
import { DASHBOARD_WIDTH, dashboardGraphs, WIDGET_HEIGHT } from './dashboard-graphs.ts';

/** Props of {@link GatewayDashboard}. */
export type GatewayDashboardProps = {
  readonly environmentName: string;
  /** The function whose log contains the use of Groq keys. */
  readonly gateway: GatewayFunction;
  /** The function that renders the weekly table. CloudWatch invokes it with the permissions of the dashboard's viewer. */
  readonly widget: IFunction;
};

/**
 * A dashboard of an environment's spending and health. Its graphs search for series, so its size does not depend on the
 * number of teams, and new teams appear at once.
 */
export class GatewayDashboard extends Construct {
  readonly dashboard: Dashboard;

  constructor(scope: Construct, id: string, { environmentName, gateway, widget }: GatewayDashboardProps) {
    super(scope, id);
    this.dashboard = new Dashboard(this, 'Page', {
      dashboardName: `groq-gateway-${environmentName}`,
      periodOverride: PeriodOverride.INHERIT,
      defaultInterval: Duration.days(7),
      widgets: [
        [header(environmentName)],
        [weeklyTable(widget)],
        ...dashboardGraphs(environmentName),
        [groqKeyTable(gateway)],
      ],
    });
  }
}

function header(environmentName: string): IWidget {
  const markdown = `Groq gateway **${environmentName}**. \`GET /openai/v1/budget\` and \`/usage\` have exact amounts; graphs are some minutes behind. Runbook of alarms: docs/operations.md.`;
  return new TextWidget({ markdown, width: DASHBOARD_WIDTH, height: 1 });
}

function weeklyTable(widget: IFunction): IWidget {
  return new CustomWidget({
    title: 'The week by team',
    functionArn: widget.functionArn,
    width: DASHBOARD_WIDTH,
    height: WIDGET_HEIGHT,
    updateOnRefresh: true,
    updateOnTimeRangeChange: true,
  });
}

/** A table of the Groq keys in use, from the log, because a metric per key would be billed each. */
function groqKeyTable({ logGroup }: GatewayFunction): IWidget {
  return new LogQueryWidget({
    title: 'Groq keys in use: calls, first and last use',
    logGroupNames: [logGroup.logGroupName],
    view: LogQueryVisualizationType.TABLE,
    width: DASHBOARD_WIDTH,
    height: WIDGET_HEIGHT,
    queryLines: [
      'filter event = "request" and ispresent(groqKeyId)',
      'stats count(*) as calls, min(@timestamp) as firstSeen, max(@timestamp) as lastSeen by Team, groqKeyId',
      'sort lastSeen desc',
      'limit 100',
    ],
  });
}
