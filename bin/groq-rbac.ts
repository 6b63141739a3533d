#!/usr/bin/env node
import { runCli } from './cli/program.ts';
import { showProgress } from './progress.ts';

process.exitCode = await runCli(process.argv.slice(2), showProgress(process.stderr, process.env));
