/** Seconds between messages of one person, as moderators choose them. */
const STEPS: Readonly<Record<string, string>> = {
  0: "Off",
  10: "10 seconds",
  30: "30 seconds",
  60: "a minute",
  300: "5 minutes",
  900: "15 minutes",
  3600: "an hour",
  21600: "6 hours",
};

/** The steps, and a value that another client has set. */
export function slowModeSteps(seconds: number): Readonly<Record<string, string>> {
  return { ...STEPS, [seconds]: spanOf(seconds) };
}

/** A number of seconds for people. */
export function spanOf(seconds: number): string {
  return STEPS[seconds] ?? `${seconds} seconds`;
}
