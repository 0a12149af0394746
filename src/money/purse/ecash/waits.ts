/** How long after an answer that says nothing a mint is asked again, in milliseconds: twice as long each time, within these. */
export const FIRST_WAIT_MS = 1_000;
export const LONGEST_WAIT_MS = 600_000;
