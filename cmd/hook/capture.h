/* capture.h -- one snapshot from the order to the file: names, facts, GIL, fork, child, final name.
 *
 *     caller          capture_begin   names the output, reads the facts          (no GIL, any thread)
 *     GIL holder      capture_split   clones; the parent goes on at once         (the pause)
 *       child           walks, writes, fsyncs, renames, exits
 *     caller          capture_end     reaps, removes what failed, logs           (no GIL, any thread)
 *
 * One at a time: capture_lock is held from begin to end and may be released by another thread than took it.
 * Memory is static or mapped when the hook armed; nothing here allocates. If clone is refused, capture_split
 * walks where it stands. If the program ends meanwhile, the child still completes the file by itself.
 */
#ifndef HELDBY_HOOK_CAPTURE_H
#define HELDBY_HOOK_CAPTURE_H

#include "cmd/hook/facts.h"
#include "cmd/hook/output.h"

#include <sys/types.h>

struct capture_order {
    const char *trigger; /* the fact of that name; a literal */
    const char *path;    /* absolute, or NULL for the default name; read by capture_begin only */
};

struct capture_result {
    int error; /* 0: `path` names the complete snapshot; else an errno, and `message` a line */
    char path[SETTINGS_PATH];
    char message[300];
};

/* The lock is a queue: a ticket is taken, and its turn comes. Whoever takes one must wait for its turn. */
unsigned capture_take_ticket(void);
bool capture_is_turn(unsigned ticket);
bool capture_try_lock(void); /* only if nobody holds it or waits for it */
void capture_unlock(void);
bool capture_is_running(void); /* or waited for */
void capture_after_fork(void); /* in the child of a fork: nothing is running here */

/* All of these need the lock. begin: false if there is nothing to split (capture_end says why). */
bool capture_begin(const struct capture_order *order);
const char *capture_final_path(void); /* after begin: the name the file will have */
const char *capture_temporary_path(void);

enum capture_thread {
    CAPTURE_IN_PROGRAM_THREAD, /* a thread of the program that holds the GIL */
    CAPTURE_IN_OWN_THREAD,     /* a thread of the hook that holds the GIL: its thread state is left out */
    CAPTURE_WITHOUT_GIL,
};
void capture_split(enum capture_thread where, uint64_t gil_wait_ns, bool gc_running);
/* Instead of split: `message`, followed by the errno's own text unless it is a refusal, which says it all. */
void capture_fail(int error, const char *message);
void capture_refuse(int error, const char *message);

/* True once the child is gone (or never was): then capture_end does not wait. Kills a child whose time is
 * over. */
bool capture_poll(void);
void capture_end(struct capture_result *ret); /* ret may be NULL; writes the log line */

#endif
