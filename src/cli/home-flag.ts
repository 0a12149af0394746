/* The flag that says what a command is about. It is apart from what reads settings, which no help text needs. */
import { Option } from "commander";

const UNLESS_GIVEN =
	"the side of TETRAD_HOME, of the working folder or of your own tetrad.toml unless given";

/** Of commands about one device of a side. */
export function homeFlag(whose: "agent" | "module" | "issuer"): Option {
	return new Option(
		"--home <folder>",
		`the side, or the ${whose}'s home; ${UNLESS_GIVEN}`,
	);
}

/** Of commands about both devices of a side, or one of them. */
export function eitherHomeFlag(): Option {
	return new Option(
		"--home <folder>",
		`the side, or the home of one device; ${UNLESS_GIVEN}`,
	);
}

/** Of commands about a whole side. */
export function sideFlag(): Option {
	return new Option("--home <folder>", `the side; ${UNLESS_GIVEN}`);
}

/** What a flag has unless it is given. */
export const AS_THE_SIDE_SAYS = "as the side says unless given";
