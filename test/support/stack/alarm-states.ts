import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';

/** Reads the states of up to 100 alarms whose names start with the prefix, by name. */
export async function readAlarmStates(AlarmNamePrefix: string): Promise<Readonly<Record<string, string>>> {
  const client = new CloudWatchClient({});
  try {
    const { MetricAlarms = [] } = await client.send(new DescribeAlarmsCommand({ AlarmNamePrefix, MaxRecords: 100 }));
    return Object.fromEntries(MetricAlarms.map(({ AlarmName = '', StateValue = '' }) => [AlarmName, StateValue]));
  } finally {
    client.destroy();
  }
}
