/*
 * Preloaded by `node --import` into a gateway whose clock is to be another: every time it reads is moved by so many
 * milliseconds. The product has no such switch.
 */
const RealDate = Date;
const shiftMs = Number(process.env.PROVE_CLOCK_SHIFT_MS ?? 0);

class MovedDate extends RealDate {
  constructor(...parts: [] | [number | string | Date]) {
    if (parts.length === 0) super(RealDate.now() + shiftMs);
    else super(...parts);
  }

  static override now(): number {
    return RealDate.now() + shiftMs;
  }
}

globalThis.Date = new Proxy(MovedDate, {
  // Called as a function, Date gives text; classes cannot be called.
  apply: () => new MovedDate().toString(),
}) as unknown as DateConstructor;
