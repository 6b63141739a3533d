/** The version labels that Secrets Manager itself manages. */
export const VERSION_LABEL = { current: 'AWSCURRENT', previous: 'AWSPREVIOUS', pending: 'AWSPENDING' } as const;

/** The labels of each version of a secret, by version id. */
export type VersionLabels = ReadonlyMap<string, readonly string[]>;

/** Returns the id of the version that has a label. */
export function findVersion(versions: VersionLabels, label: string): string | undefined {
  return [...versions].find(([, labels]) => labels.includes(label))?.[0];
}
