export { Audit, type AuditResult } from "./audit.ts";
export type { AuditStep } from "./step.ts";
