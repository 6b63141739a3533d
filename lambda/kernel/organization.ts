/** The name that stands for all teams together; no team can have it, because team names are lower case. */
export const ORGANIZATION = 'ORGANIZATION';
