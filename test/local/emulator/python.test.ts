import { describe, expect, it } from 'vitest';
import { findPython } from '../../../local/emulator/python.ts';
import { StartError } from '../../../local/settings.ts';

const machine = (versions: Readonly<Record<string, string>>) => (command: string) => versions[command];

describe('findPython', () => {
  it.each([
    ['python3 first', {}, { python3: '3.11.7', python: '3.12.1' }, 'python3'],
    [
      'the one that PYTHON names',
      { PYTHON: '/opt/python' },
      { python3: '3.11.7', '/opt/python': '3.14.0' },
      '/opt/python',
    ],
    ['a newer one when python3 is too old', {}, { python3: '3.9.2', 'python3.13': '3.13.0' }, 'python3.13'],
    ['3.10 as the oldest', {}, { python3: '3.10.0' }, 'python3'],
    ['past an empty PYTHON', { PYTHON: '' }, { python: '3.12.0' }, 'python'],
  ])('takes %s', (_case, env, versions, command) => {
    expect(findPython(env, machine(versions)).command).toBe(command);
  });

  it.each([
    [
      'there is no Python',
      {},
      {},
      'Python 3.10 or later is needed, and there is none on PATH; install it or set PYTHON to its path',
    ],
    [
      'all versions are too old',
      {},
      { python3: '3.9.2', python: '2.7.18' },
      'Python 3.10 or later is needed, and python3 on PATH is 3.9.2; install it or set PYTHON to its path',
    ],
    [
      'PYTHON is too old, although python3 is not',
      { PYTHON: 'python3.8' },
      { 'python3.8': '3.8.1', python3: '3.12.0' },
      'Python 3.10 or later is needed, but PYTHON is "python3.8", which is Python 3.8.1; install it or set PYTHON to its path',
    ],
    [
      'PYTHON is not a Python',
      { PYTHON: '/nowhere' },
      { python3: '3.12.0' },
      'Python 3.10 or later is needed, but PYTHON is "/nowhere", which cannot be run as Python; install it or set PYTHON to its path',
    ],
  ])('says in one line when %s', (_case, env, versions, message) => {
    expect(() => findPython(env, machine(versions))).toThrow(new StartError(message));
  });
});
