/* fuzz.h -- what a fuzz target is: one function over bytes, which ends the process where a property does not
 * hold.
 */
#ifndef HELDBY_FUZZ_H
#define HELDBY_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Like assert, but in every build. */
#define expect(property) ((property) ? (void)0 : abort())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
