/* random_program.h -- made-up programs for tests of answers: modules, classes, instances, containers,
 * closures, caches, generators, running frames, garbage; all of it follows from the seed. */
#ifndef HELDBY_TEST_RANDOM_PROGRAM_H
#define HELDBY_TEST_RANDOM_PROGRAM_H

#include "lib/heap/heap.h"

/* 20 to 170 objects and what belongs to them. `unique`: every reference of an object is spelled differently.
 */
struct heap *random_program(uint64_t seed, bool unique);

/* Numbers below `below`, of a sequence that random_program begins as well. */
void random_begin(uint64_t seed);
uint32_t random_pick(uint32_t below);

#endif
