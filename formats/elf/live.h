/* live.h -- copies a running process that has no hook: freezes it by ptrace, copies, lets it go.
 *
 * Buffers are mapped and touched before the freeze. The process runs no code of ours. Its pause is the copy:
 * about 0.3 s per GB. Whatever happens here, the process is let go: also when this program is killed (the
 * kernel detaches).
 */
#ifndef HELDBY_LIVE_H
#define HELDBY_LIVE_H

#include "formats/elf/core.h"

struct live_result {
    double pause_seconds; /* from the first thread stopped to the last one let go */
    uint64_t copied;      /* bytes */
    uint32_t threads;
    uint64_t unreadable; /* bytes that process_vm_readv refused */
};

/* NULL with *err filled: no such process, no permission (the message says which setting forbids it and what
 * helps), another machine's program, not enough memory. */
struct process_image *live_open(uint32_t pid, const struct core_options *options, struct live_result *ret,
                                struct error *err);

#endif
