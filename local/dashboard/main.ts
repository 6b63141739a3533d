import { fetchApi } from './api.ts';
import type { Key } from './api-types.ts';
import { DashboardView } from './dashboard-view.ts';
import { elementById, setText } from './dom.ts';
import { Poller } from './poller.ts';

/** Key of the session storage, which belongs to this tab and ends with it. */
const STORAGE_KEY = 'groq-gateway-key';
const KEY_REJECTED = 'The gateway rejects this key: it is mistyped, unknown, revoked or expired.';
const ENDED = 'You were signed out: the key has been revoked or has expired.';

const field = elementById('key') as HTMLInputElement;
const pauseButton = elementById('pause');
let view: DashboardView | undefined;
const poll = new Poller(refresh);

async function refresh(signal: AbortSignal): Promise<boolean> {
  if (view === undefined) return false;
  const result = await view.refresh(signal);
  if (signal.aborted) return false;
  if (result === 'signed out') {
    signOut(ENDED);
    return false;
  }
  const isShown = result === 'shown';
  document.body.dataset.connection = isShown ? 'live' : 'lost';
  if (isShown) setText(elementById('as-of'), `Live, as of ${clock()}`);
  else setText(elementById('as-of'), `Retrying in ${Math.round(poll.nextPollInMs / 1000)} s`);
  // Announced when it changes, not at every retry.
  setText(elementById('connection'), isShown ? '' : `${result.why} The figures below may be out of date.`);
  return isShown;
}

async function signIn(key: string): Promise<void> {
  const button = document.querySelector<HTMLButtonElement>('#sign-in-form button');
  if (button !== null) button.disabled = true;
  const result = await fetchApi<Key>('api-keys/me', key, new AbortController().signal);
  if (button !== null) button.disabled = false;
  if (result.kind !== 'ok') {
    const why = result.kind === 'unavailable' ? `${result.why} Is it running?` : KEY_REJECTED;
    showSignIn(result.kind === 'refused' ? result.message : why, result.kind === 'unavailable');
    return;
  }
  sessionStorage.setItem(STORAGE_KEY, key);
  field.value = '';
  show('dashboard', 'Groq gateway: budgets and usage');
  setText(elementById('whose'), describeIdentity(result.body, key));
  elementById('week').hidden = false;
  view = new DashboardView(key, result.body);
  poll.start();
  elementById('title').focus();
}

function describeIdentity({ name, role, team }: Key, key: string): string {
  const environment = /^grk_([a-z0-9-]+)_/.exec(key)?.[1];
  const scope = team === null ? 'the organisation' : team;
  return `${name}: ${role} of ${scope}${environment === undefined ? '' : `, environment ${environment}`}`;
}

function signOut(message: string): void {
  poll.stop();
  view = undefined;
  DashboardView.clear();
  for (const id of ['whose', 'as-of', 'connection']) setText(elementById(id), '');
  setPaused(false);
  showSignIn(message, false);
}

/** Shows the sign-in form. A stored key is kept only if the gateway could not be reached to check it. */
function showSignIn(message: string, keepsStoredKey: boolean): void {
  if (!keepsStoredKey) sessionStorage.removeItem(STORAGE_KEY);
  show('sign-in', 'Groq gateway: sign in');
  setText(elementById('sign-in-error'), message);
  field.setAttribute('aria-invalid', String(message !== ''));
  field.focus();
  field.select();
}

function show(page: 'sign-in' | 'dashboard', title: string): void {
  elementById('sign-in').hidden = page !== 'sign-in';
  elementById('dashboard').hidden = page !== 'dashboard';
  document.title = title;
}

function setPaused(isPaused: boolean): void {
  pauseButton.setAttribute('aria-pressed', String(isPaused));
  if (isPaused) setText(elementById('as-of'), `Paused at ${clock()}`);
  document.body.dataset.paused = String(isPaused);
}

function clock(): string {
  return `${new Date().toISOString().slice(11, 19)} UTC`;
}

elementById('sign-in-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const key = field.value.trim();
  if (key === '') showSignIn('Enter a key.', false);
  else void signIn(key);
});
elementById('sign-out').addEventListener('click', () => signOut(''));
elementById('keys-ended').addEventListener('click', () => view?.toggleEnded());
pauseButton.addEventListener('click', () => {
  const isPaused = pauseButton.getAttribute('aria-pressed') !== 'true';
  setPaused(isPaused);
  poll.pause(isPaused);
});

const stored = sessionStorage.getItem(STORAGE_KEY);
if (stored === null) showSignIn('', false);
else void signIn(stored);
