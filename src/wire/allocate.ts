import { Blocks } from "../crypto/index.ts";

/** The engine keeps arrays up to this size in its own heap, where they cost next to nothing. */
const SMALL_BYTES = 64;

/** Larger arrays get memory of their own, which is worth its price only above this size. */
const LARGE_BYTES = 4096;

const ofBodies = new Blocks(16_384, LARGE_BYTES);

/**
 * Zeroed bytes for message bodies, which hold secrets and stay inside this process until they are
 * sealed or framed. They are cut from a larger block. Nothing that goes to an application, a signer
 * or a carrier is made here: such an array shows the whole block to whoever asks for its `buffer`,
 * and `postMessage` sends all of it.
 */
export function allocate(size: number): Uint8Array {
	return size <= SMALL_BYTES ? new Uint8Array(size) : ofBodies.cut(size);
}

/**
 * Gives the memory of a large array back now, when the array is all of its buffer; every view of
 * it is empty from then on. The collector would only see that much memory is in use, and collect
 * again and again while a file passes.
 */
export function release({ buffer, byteLength }: Uint8Array): void {
	if (byteLength <= LARGE_BYTES || byteLength !== buffer.byteLength) return;
	if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/** What a field may have around it in its message. */
const AROUND_BYTES = 256;

/** The same for a large field and the message in which it came alone: nobody may need that either. */
export function releaseAround({ buffer, byteLength }: Uint8Array): void {
	if (buffer.byteLength - byteLength <= AROUND_BYTES)
		release(new Uint8Array(buffer));
}
