/* size_notes.h -- how shallow sizes are defined, and where they differ from sys.getsizeof. Tested by
 * tests/hook/run_populations.py and run_capture.py on every CPython. */
#ifndef HELDBY_SIZE_NOTES_H
#define HELDBY_SIZE_NOTES_H

#include "cmd/heldby/output.h"
#include "lib/heap/heap.h"

/* "sizes" of heldby info: lines of text, or an object with `definition` and `differs`. */
void size_notes_print(struct output *out, const struct heap *heap);

#endif
