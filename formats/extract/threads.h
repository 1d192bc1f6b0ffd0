/* threads.h -- where the threads of a process have their stacks and thread-local memory.
 *
 * Facts: struct pthread and the static TLS blocks of a created thread lie at the top of its stack (glibc
 * nptl/allocatestack.c); the thread control block points to itself at +0 and +16 and to the thread's vector
 * of TLS blocks (dtv) at +8 (sysdeps/x86_64/nptl/tls.h). A module's number in that vector and its offset from
 * the control block are in the loader's link_map, behind the size and alignment that PT_TLS gives
 * (include/link.h: l_tls_blocksize, _align, _firstbyte_offset, _offset, _modid; the same order from 2.27 to
 * 2.42).
 */
#ifndef HELDBY_THREADS_H
#define HELDBY_THREADS_H

#include "formats/extract/extraction.h"

/* Finds stacks and TLS blocks of all threads: x->stacks, x->tls. */
bool threads_find(struct extraction *x);
void threads_free(struct extraction *x);

/* Makes x->tls searchable, after everything was added. */
void threads_sort_tls(struct extraction *x);

/* Adds the stacks of ended threads in a stretch of memory that nobody owns. */
bool dead_stacks_in(struct extraction *x, uint64_t start, uint64_t end, struct claims *more);

/* The first TLS block that ends above an address; x->tls.count: none. */
size_t threads_tls_from(const struct extraction *x, uint64_t address);
/* The TLS block that holds an address, or NULL. */
const struct tls_block *threads_tls_at(const struct extraction *x, uint64_t address);

#endif
