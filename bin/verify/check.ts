/** What a check found: what was asked, and what was seen. */
export type Finding = {
  readonly id: string;
  readonly title: string;
  /** `skip` is for what this deployment does not have; it says why. */
  readonly status: 'pass' | 'fail' | 'skip';
  readonly evidence: string;
};

/** One thing that must hold of a deployment. */
export type Check = {
  readonly id: string;
  readonly title: string;
  run(): Promise<Outcome>;
};

/** What a check came to. */
export type Outcome = Omit<Finding, 'id' | 'title'>;

/** A check that was met when `isMet`, with what was seen. */
export function outcome(isMet: boolean, evidence: string): Outcome {
  return { status: isMet ? 'pass' : 'fail', evidence };
}

/** Runs a check; one that cannot be carried out has not been met. */
export async function runCheck({ id, title, run }: Check): Promise<Finding> {
  try {
    return { id, title, ...(await run()) };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: 'unknown', message: String(error) };
    return { id, title, status: 'fail', evidence: `could not be checked: ${name}: ${message.split('\n')[0]}` };
  }
}
