import { ROUTES, type Route } from '../contract.ts';

/** A path of the API whose requests, and those of the paths below it where it has children, go to one function. */
export type ApiResource = { readonly path: string; readonly hasChildren: boolean };

/** Root of the API: every path below it that is not in {@link ADMIN_RESOURCES} goes to the gateway function. */
export const API_ROOT = '/openai';

const ALL_ROUTES = Object.values<Route>(ROUTES);

/** The collections that the admin function serves, such as `/openai/v1/api-keys` with its children. */
export const ADMIN_RESOURCES: readonly ApiResource[] = findAdminResources();

/** Returns the function that API Gateway sends a path to. */
export function serverForPath(path: string): Route['servedBy'] {
  const isAdmin = ADMIN_RESOURCES.some(
    (resource) => path === resource.path || (resource.hasChildren && path.startsWith(`${resource.path}/`)),
  );
  return isAdmin ? 'admin' : 'gateway';
}

/** Returns true for the path of a route that needs no key. */
export function isPublicPath(path: string): boolean {
  return ALL_ROUTES.some((route) => route.isPublic === true && route.path === path);
}

function findAdminResources(): ApiResource[] {
  const paths = ALL_ROUTES.filter(({ servedBy }) => servedBy === 'admin').map(({ path }) => path);
  // `/openai/v1/<collection>` is four segments, since the text before the first slash counts.
  const collections = new Set(paths.map((path) => path.split('/').slice(0, 4).join('/')));
  return [...collections].map((path) => ({ path, hasChildren: paths.some((other) => other.startsWith(`${path}/`)) }));
}
