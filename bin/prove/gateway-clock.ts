import { renameSync, writeFileSync } from 'node:fs';

/** Controls the clock of gateways that preload file-clock.ts, which read a change within some milliseconds. */
export class GatewayClock {
  /** Node arguments and environment variables of a gateway with this clock. */
  readonly nodeArguments: readonly string[] = ['--import', new URL('./file-clock.ts', import.meta.url).href];
  readonly env: Readonly<Record<string, string>>;
  readonly #file: string;
  #shiftMs = 0;

  constructor(file: string) {
    this.#file = file;
    this.env = { CLOCK_FILE: file };
  }

  /** The time of the running clock. */
  nowEpochMs(): number {
    return Date.now() + this.#shiftMs;
  }

  /** Lets the clock run, ahead of the machine's clock. */
  run(shiftMs: number): void {
    this.#shiftMs = shiftMs;
    this.#write(String(shiftMs));
  }

  /** Moves the running clock forward. */
  advance(ms: number): void {
    this.run(this.#shiftMs + ms);
  }

  /** Stops the clock at a time. */
  stop(epochMs: number): void {
    this.#write(`@${epochMs}`);
  }

  /** Replaces the file atomically: a partial number would be another time. */
  #write(setting: string): void {
    writeFileSync(`${this.#file}-next`, setting);
    renameSync(`${this.#file}-next`, this.#file);
  }
}
