import { type Endpoint, ROUTES, type Route, type RouteName } from '../contract.ts';
import { type Refusal, refuse } from '../kernel/refusals.ts';

/** The route of a request with the decoded value of its path parameter, or the refusal to respond with. */
export type RouteMatch<Name> =
  | {
      readonly name: Name;
      readonly endpoint: Endpoint | undefined;
      readonly isPublic: boolean;
      /** Empty for a path without a parameter. */
      readonly parameter: string;
    }
  | { readonly refusal: Refusal; readonly headers: Readonly<Record<string, string>> };

/** Maximum length of a path that an error message repeats. */
const MAX_SHOWN_PATH_LENGTH = 200;

const MATCHERS = Object.entries<Route>(ROUTES).map(([name, route]) => ({
  name,
  route,
  pattern: new RegExp(
    `^${route.path.replace(/\{\w+(\+?)\}/g, (_parameter, greedy) => (greedy === '' ? '([^/]+)' : '(.+)'))}$`,
  ),
}));

const SERVED = Object.values<Route>(ROUTES)
  .map(({ method, path }) => `${method} ${path.replace('+}', '}')}`)
  .join(', ');

/** Finds the route of a request among those that one function serves. */
export function matchRoute<Server extends Route['servedBy']>(
  server: Server,
  method: string,
  path: string,
): RouteMatch<RouteName<Server>> {
  const onPath = MATCHERS.filter(({ route, pattern }) => route.servedBy === server && pattern.test(path));
  const match = onPath.find(({ route }) => route.method === method);
  if (match !== undefined) {
    const { endpoint, isPublic = false } = match.route;
    const parameter = decodePathSegment(match.pattern.exec(path)?.[1] ?? '');
    // The filter above has left only routes of this server.
    return { name: match.name as RouteName<Server>, endpoint, isPublic, parameter };
  }
  const shownPath = path.slice(0, MAX_SHOWN_PATH_LENGTH);
  if (onPath.length > 0) {
    const allow = [...new Set(onPath.map(({ route }) => route.method))].join(', ');
    return { refusal: refuse('method_not_allowed', `${shownPath} answers ${allow} only.`), headers: { allow } };
  }
  const message = `Unknown request URL: ${method} ${shownPath}. This gateway serves ${SERVED}.`;
  return { refusal: refuse('unknown_url', message), headers: {} };
}

/** Decodes percent escapes; malformed ones are kept, so that the lookup fails with a clear refusal. */
function decodePathSegment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
