import { ask } from './api.ts';
import { byId, setText } from './dom.ts';
import { Figures } from './figures.ts';
import { Poll } from './poll.ts';
import type { Key } from './shapes.ts';

/** Where the key is kept: in this tab alone, until it is closed. */
const STORED = 'groq-gateway-key';
const NOT_TAKEN = 'The gateway does not take this key: it is mistyped, unknown, revoked or expired.';
const ENDED = 'You were signed out: the key has been revoked or has expired.';

const field = byId('key') as HTMLInputElement;
const pauseButton = byId('pause');
let figures: Figures | undefined;
const poll = new Poll(look);

async function look(signal: AbortSignal): Promise<boolean> {
  if (figures === undefined) return false;
  const seen = await figures.look(signal);
  if (signal.aborted) return false;
  if (seen === 'signed out') {
    signOut(ENDED);
    return false;
  }
  const isShown = seen === 'shown';
  document.body.dataset.connection = isShown ? 'live' : 'lost';
  if (isShown) setText(byId('as-of'), `Live, as of ${clock()}`);
  else setText(byId('as-of'), `Tries again in ${Math.round(poll.nextInMs / 1000)} s`);
  // Told when it changes, and not at each try.
  setText(byId('connection'), isShown ? '' : `${seen.why} The figures below may be out of date.`);
  return isShown;
}

async function signIn(key: string): Promise<void> {
  const button = document.querySelector<HTMLButtonElement>('#sign-in-form button');
  if (button !== null) button.disabled = true;
  const answer = await ask<Key>('api-keys/me', key, new AbortController().signal);
  if (button !== null) button.disabled = false;
  if (answer.kind !== 'ok') {
    const why = answer.kind === 'unavailable' ? `${answer.why} Is it running?` : NOT_TAKEN;
    askForKey(answer.kind === 'refused' ? answer.message : why, answer.kind === 'unavailable');
    return;
  }
  sessionStorage.setItem(STORED, key);
  field.value = '';
  show('dashboard', 'Groq gateway: budgets and usage');
  setText(byId('whose'), whoseText(answer.body, key));
  byId('week').hidden = false;
  figures = new Figures(key, answer.body);
  poll.start();
  byId('title').focus();
}

function whoseText({ name, role, team }: Key, key: string): string {
  const environment = /^grk_([a-z0-9-]+)_/.exec(key)?.[1];
  const of = team === null ? 'the organisation' : team;
  return `${name}: ${role} of ${of}${environment === undefined ? '' : `, environment ${environment}`}`;
}

function signOut(message: string): void {
  poll.stop();
  figures = undefined;
  Figures.clear();
  for (const id of ['whose', 'as-of', 'connection']) setText(byId(id), '');
  setPaused(false);
  askForKey(message, false);
}

/** Asks for a key; what is stored is kept only where the gateway could not be asked about it. */
function askForKey(message: string, isStoredKept: boolean): void {
  if (!isStoredKept) sessionStorage.removeItem(STORED);
  show('sign-in', 'Groq gateway: sign in');
  setText(byId('sign-in-error'), message);
  field.setAttribute('aria-invalid', String(message !== ''));
  field.focus();
  field.select();
}

function show(view: 'sign-in' | 'dashboard', title: string): void {
  byId('sign-in').hidden = view !== 'sign-in';
  byId('dashboard').hidden = view !== 'dashboard';
  document.title = title;
}

function setPaused(isPaused: boolean): void {
  pauseButton.setAttribute('aria-pressed', String(isPaused));
  if (isPaused) setText(byId('as-of'), `Paused at ${clock()}`);
  document.body.dataset.paused = String(isPaused);
}

function clock(): string {
  return `${new Date().toISOString().slice(11, 19)} UTC`;
}

byId('sign-in-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const key = field.value.trim();
  if (key === '') askForKey('Enter a key.', false);
  else void signIn(key);
});
byId('sign-out').addEventListener('click', () => signOut(''));
byId('keys-ended').addEventListener('click', () => figures?.toggleEnded());
pauseButton.addEventListener('click', () => {
  const isPaused = pauseButton.getAttribute('aria-pressed') !== 'true';
  setPaused(isPaused);
  poll.pause(isPaused);
});

const stored = sessionStorage.getItem(STORED);
if (stored === null) askForKey('', false);
else void signIn(stored);
