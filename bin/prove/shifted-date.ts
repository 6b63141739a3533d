/** Replaces `Date` in this process by one that is `shiftMs()` milliseconds ahead; the function is called at each read. */
export function shiftDate(shiftMs: () => number): void {
  const RealDate = Date;
  class ShiftedDate extends RealDate {
    constructor(...parts: [] | [number | string | Date]) {
      if (parts.length === 0) super(RealDate.now() + shiftMs());
      else super(...parts);
    }

    static override now(): number {
      return RealDate.now() + shiftMs();
    }
  }

  globalThis.Date = new Proxy(ShiftedDate, {
    // `Date()` without `new` returns text, and a class cannot be called.
    apply: () => new ShiftedDate().toString(),
  }) as unknown as DateConstructor;
}
