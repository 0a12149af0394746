export { type Attack, GROUPS, type Outcome } from "./attack.ts";
export { withDeploymentTarget, withSandboxTarget } from "./make-target.ts";
export { hasHeld, runSuite, type Tried } from "./run-suite.ts";
export type { Target } from "./target.ts";
