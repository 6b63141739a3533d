/** The labels that Secrets Manager itself knows. */
export const VERSION_LABEL = { current: 'AWSCURRENT', previous: 'AWSPREVIOUS', pending: 'AWSPENDING' } as const;

/** The labels of each version of a secret, by the version's id. */
export type VersionLabels = ReadonlyMap<string, readonly string[]>;

/** The version that bears a label. */
export function findVersion(versions: VersionLabels, label: string): string | undefined {
  return [...versions].find(([, labels]) => labels.includes(label))?.[0];
}
