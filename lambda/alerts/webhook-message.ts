import { isObject } from '../kernel/json/json-object.ts';
import { escapeMarkup } from '../kernel/markup.ts';
import { ORGANIZATION } from '../kernel/organization.ts';
import type { WebhookKind } from '../policy/deployment-settings.ts';
import type { Alert } from './alert.ts';

/** The fields of an alert that a message contains. */
export type AlertMessage = Pick<
  Alert,
  'alertId' | 'environment' | 'holder' | 'threshold' | 'level' | 'spentUsd' | 'limitUsd' | 'text'
>;

/** The characters that Slack requires to be escaped in text; it does not decode other entities. */
const SLACK_SPECIAL = /[&<>]/g;
const FIELDS = ['alertId', 'environment', 'holder', 'threshold', 'level', 'spentUsd', 'limitUsd', 'text'] as const;

/** Parses an event's detail; undefined if it is not an alert. */
export function parseAlert(detail: unknown): AlertMessage | undefined {
  if (!isObject(detail) || FIELDS.some((field) => typeof detail[field] !== 'string')) return undefined;
  return detail as AlertMessage;
}

/** Builds the request body of an incoming webhook. */
export function webhookBody(kind: WebhookKind, alert: AlertMessage): string {
  return JSON.stringify(kind === 'slack' ? slackMessage(alert) : teamsMessage(alert));
}

function alertTitle({ level, environment, holder, threshold }: AlertMessage): string {
  const spender = holder === ORGANIZATION ? 'all teams' : `team ${holder}`;
  return `${level}: ${spender} at ${threshold} in ${environment}`;
}

/** A message of Slack blocks (docs "Reference: blocks", read 2026-11-25). `text` is the notification. */
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

/** An adaptive card, which Teams workflows and older connectors accept (Microsoft Learn, read 2026-11-25). */
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
