/** Lets every clock of this process be moved by as many milliseconds as a function says whenever one is read. */
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
    // Called as a function, Date gives text; classes cannot be called.
    apply: () => new ShiftedDate().toString(),
  }) as unknown as DateConstructor;
}
