import { fetchApi } from './api.ts';
import type { Key } from './api-types.ts';
import { DashboardView } from './dashboard-view.ts';
import { elementById, setText } from './dom.ts';
import { Poller } from './poller.ts';

/** Where the key is kept: in this tab alone, until it is closed. */
const STORED = 'groq-gateway-key';
const KEY_REJECTED = 'The gateway does not take this key: it is mistyped, unknown, revoked or expired.';
const ENDED = 'You were signed out: the key has been revoked or has expired.';

const field = elementById('key') as HTMLInputElement;
const pauseButton = elementById('pause');
let figures: DashboardView | undefined;
const poll = new Poller(refresh);

async function refresh(signal: AbortSignal): Promise<boolean> {
  if (figures === undefined) return false;
  const seen = await figures.refresh(signal);
  if (signal.aborted) return false;
  if (seen === 'signed out') {
    signOut(ENDED);
    return false;
  }
  const isShown = seen === 'shown';
  document.body.dataset.connection = isShown ? 'live' : 'lost';
  if (isShown) setText(elementById('as-of'), `Live, as of ${clock()}`);
  else setText(elementById('as-of'), `Tries again in ${Math.round(poll.nextPollInMs / 1000)} s`);
  // Told when it changes, and not at each try.
  setText(elementById('connection'), isShown ? '' : `${seen.why} The figures below may be out of date.`);
  return isShown;
}

async function signIn(key: string): Promise<void> {
  const button = document.querySelector<HTMLButtonElement>('#sign-in-form button');
  if (button !== null) button.disabled = true;
  const answer = await fetchApi<Key>('api-keys/me', key, new AbortController().signal);
  if (button !== null) button.disabled = false;
  if (answer.kind !== 'ok') {
    const why = answer.kind === 'unavailable' ? `${answer.why} Is it running?` : KEY_REJECTED;
    showSignIn(answer.kind === 'refused' ? answer.message : why, answer.kind === 'unavailable');
    return;
  }
  sessionStorage.setItem(STORED, key);
  field.value = '';
  show('dashboard', 'Groq gateway: budgets and usage');
  setText(elementById('whose'), describeIdentity(answer.body, key));
  elementById('week').hidden = false;
  figures = new DashboardView(key, answer.body);
  poll.start();
  elementById('title').focus();
}

function describeIdentity({ name, role, team }: Key, key: string): string {
  const environment = /^grk_([a-z0-9-]+)_/.exec(key)?.[1];
  const of = team === null ? 'the organisation' : team;
  return `${name}: ${role} of ${of}${environment === undefined ? '' : `, environment ${environment}`}`;
}

function signOut(message: string): void {
  poll.stop();
  figures = undefined;
  DashboardView.clear();
  for (const id of ['whose', 'as-of', 'connection']) setText(elementById(id), '');
  setPaused(false);
  showSignIn(message, false);
}

/** Asks for a key; what is stored is kept only where the gateway could not be asked about it. */
function showSignIn(message: string, isStoredKept: boolean): void {
  if (!isStoredKept) sessionStorage.removeItem(STORED);
  show('sign-in', 'Groq gateway: sign in');
  setText(elementById('sign-in-error'), message);
  field.setAttribute('aria-invalid', String(message !== ''));
  field.focus();
  field.select();
}

function show(view: 'sign-in' | 'dashboard', title: string): void {
  elementById('sign-in').hidden = view !== 'sign-in';
  elementById('dashboard').hidden = view !== 'dashboard';
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
elementById('keys-ended').addEventListener('click', () => figures?.toggleEnded());
pauseButton.addEventListener('click', () => {
  const isPaused = pauseButton.getAttribute('aria-pressed') !== 'true';
  setPaused(isPaused);
  poll.pause(isPaused);
});

const stored = sessionStorage.getItem(STORED);
if (stored === null) showSignIn('', false);
else void signIn(stored);
