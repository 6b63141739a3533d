/** A check with its outcome. */
export type Finding = {
  readonly id: string;
  readonly title: string;
  /** `skip` is for a feature that this deployment does not have; the evidence says why. */
  readonly status: 'pass' | 'fail' | 'skip';
  readonly evidence: string;
};

/** A requirement on a deployment. */
export type Check = {
  readonly id: string;
  readonly title: string;
  run(): Promise<Outcome>;
};

/** The outcome of a check. */
export type Outcome = Omit<Finding, 'id' | 'title'>;

/** Builds the outcome of a check that passed or failed. */
export function outcome(isMet: boolean, evidence: string): Outcome {
  return { status: isMet ? 'pass' : 'fail', evidence };
}

/** Runs a check. A check that throws has failed. */
export async function runCheck({ id, title, run }: Check): Promise<Finding> {
  try {
    return { id, title, ...(await run()) };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: 'unknown', message: String(error) };
    return { id, title, status: 'fail', evidence: `could not be checked: ${name}: ${message.split('\n')[0]}` };
  }
}
