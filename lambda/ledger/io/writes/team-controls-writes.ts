import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Pause } from '../../pause.ts';
import { type ControlsOfTeam, pauseValue, revokedValue, type TeamControls } from '../team-controls-item.ts';
import { type LedgerWrite, names, number } from './update-expressions.ts';

/** The write that changes controls, if they still have the version that was read. */
export function controlsWrite({ pause, revoked }: TeamControls, version: number) {
  const { ConditionExpression, ExpressionAttributeValues } = versionCondition(version);
  return {
    UpdateExpression: `SET version = :next, revoked = :revoked${pause === undefined ? ' REMOVE pause' : ', pause = :pause'}`,
    ConditionExpression,
    ExpressionAttributeValues: {
      ...ExpressionAttributeValues,
      ':next': number(version + 1),
      ':revoked': revokedValue(revoked),
      ...(pause === undefined ? {} : { ':pause': pauseValue(pause) }),
    },
  };
}

/** The condition that controls still have the version that was read. */
export function versionCondition(version: number) {
  return version === 0
    ? { ConditionExpression: 'attribute_not_exists(version)' }
    : { ConditionExpression: 'version = :version', ExpressionAttributeValues: { ':version': number(version) } };
}

/** The write that copies controls into an open period, unless that has copied newer ones. */
export function applyControlsWrite({ own, all }: ControlsOfTeam): LedgerWrite {
  const pauses: readonly (readonly [string, Pause | undefined])[] = [
    ['paused', own.pause],
    ['pausedAll', all.pause],
  ];
  const set = pauses.flatMap(([name, pause]) => (pause === undefined ? [] : [[name, pauseValue(pause)] as const]));
  const removed = pauses.flatMap(([name, pause]) => (pause === undefined ? [`#${name}`] : []));
  const sets = ['#revoked = :revoked', '#ownVersion = :own', '#allVersion = :all'];
  sets.push(...set.map(([name]) => `#${name} = :${name}`));
  return {
    UpdateExpression: `SET ${sets.join(', ')}${removed.length === 0 ? '' : ` REMOVE ${removed.join(', ')}`}`,
    ConditionExpression:
      'attribute_exists(#limit) AND (attribute_not_exists(#ownVersion) OR (#ownVersion <= :own AND #allVersion <= :all))',
    ExpressionAttributeNames: names('limit', 'revoked', 'ownVersion', 'allVersion', 'paused', 'pausedAll'),
    ExpressionAttributeValues: {
      ':revoked': revokedValue(own.revoked),
      ':own': number(own.version),
      ':all': number(all.version),
      ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])),
    },
  };
}

/** The attributes of a period's item that hold controls, as it is opened. */
export function openingControls({ own, all }: ControlsOfTeam): Record<string, AttributeValue> {
  return {
    revoked: revokedValue(own.revoked),
    ...(own.pause === undefined ? {} : { paused: pauseValue(own.pause) }),
    ...(all.pause === undefined ? {} : { pausedAll: pauseValue(all.pause) }),
    ownVersion: number(own.version),
    allVersion: number(all.version),
  };
}
