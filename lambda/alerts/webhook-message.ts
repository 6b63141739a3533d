import { isObject } from '../kernel/json-object.ts';
import { escapeMarkup } from '../kernel/markup.ts';
import { ORGANIZATION } from '../kernel/organization.ts';
import type { WebhookKind } from '../policy/deployment-settings.ts';
import type { Alert } from './alert.ts';

/** As much of an alert as a message has. */
export type AlertMessage = Pick<
  Alert,
  'alertId' | 'environment' | 'holder' | 'threshold' | 'level' | 'spentUsd' | 'limitUsd' | 'text'
>;

/** The characters that Slack requires to be escaped in text; it does not decode other entities. */
const SLACK_SPECIAL = /[&<>]/g;
const FIELDS = ['alertId', 'environment', 'holder', 'threshold', 'level', 'spentUsd', 'limitUsd', 'text'] as const;

/** Reads the detail of an event; undefined where it is no alert. */
export function parseAlert(detail: unknown): AlertMessage | undefined {
  if (!isObject(detail) || FIELDS.some((field) => typeof detail[field] !== 'string')) return undefined;
  return detail as AlertMessage;
}

/** The body that an incoming webhook wants. */
export function webhookBody(kind: WebhookKind, alert: AlertMessage): string {
  return JSON.stringify(kind === 'slack' ? slackMessage(alert) : teamsMessage(alert));
}

function alertTitle({ level, environment, holder, threshold }: AlertMessage): string {
  const who = holder === ORGANIZATION ? 'all teams' : `team ${holder}`;
  return `${level}: ${who} at ${threshold} in ${environment}`;
}

/** Slack's blocks (docs "Reference: blocks", read 2026-11-25); `text` is what a notification shows. */
function slackMessage(alert: AlertMessage) {
  const plain = (text: string) => ({ type: 'plain_text', text });
  return {
    text: escapeMarkup(`${alertTitle(alert)}. ${alert.text}`, SLACK_SPECIAL),
    blocks: [
      { type: 'header', text: plain(alertTitle(alert)) },
      { type: 'section', text: plain(alert.text) },
      { type: 'context', elements: [plain(`$${alert.spentUsd} of $${alert.limitUsd} · ${alert.alertId}`)] },
    ],
  };
}

/** An adaptive card, as Teams' workflows and its older connectors take it (Microsoft Learn, read 2026-11-25). */
function teamsMessage(alert: AlertMessage) {
  const { level, text, spentUsd, limitUsd, alertId } = alert;
  const color = level === 'ALERT' ? 'attention' : level === 'WARN' ? 'warning' : 'default';
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      { type: 'TextBlock', text: alertTitle(alert), weight: 'bolder', size: 'medium', color, wrap: true },
      { type: 'TextBlock', text, wrap: true },
      {
        type: 'FactSet',
        facts: [
          { title: 'Spent', value: `$${spentUsd} of $${limitUsd}` },
          { title: 'Alert', value: alertId },
        ],
      },
    ],
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  };
}
