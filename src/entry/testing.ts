/** `tetrad/testing`: agency, bank, issuer, buyers and shops in one process and in memory, with clocks to set and faults to plan, for tests of programs that buy and sell. */
export {
	type Faults,
	type Reachable,
	type TestAudit,
	type TestBalance,
	type TestBuyer,
	type TestClock,
	type TestDevice,
	type TestDisk,
	type TestIssuer,
	type TestItem,
	type TestLimits,
	type TestShop,
	TestTown,
	type TownBalances,
	type TownOptions,
} from "../testing/index.ts";
