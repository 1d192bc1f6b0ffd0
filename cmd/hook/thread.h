/* thread.h -- threads of the hook: small stack, every signal blocked from the first instruction. */
#ifndef HELDBY_HOOK_THREAD_H
#define HELDBY_HOOK_THREAD_H

#include <pthread.h>
#include <sys/types.h>

int thread_start(pthread_t *ret, void *(*run)(void *), void *argument); /* 0 or an errno */
/* Joins, and waits until the kernel counts thread `id` no more: that is a little later, and CPython looks at
 * the count. */
void thread_join(pthread_t thread, pid_t id);

#endif
