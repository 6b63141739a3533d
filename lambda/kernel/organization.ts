/** Who stands for all teams together; no team is called so, since their names are in lower case. */
export const ORGANIZATION = 'ORGANIZATION';
