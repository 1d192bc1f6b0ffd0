/* thread.h -- starts a thread of the hook: small stack, every signal blocked from its first instruction. */
#ifndef HELDBY_HOOK_THREAD_H
#define HELDBY_HOOK_THREAD_H

#include <pthread.h>

int thread_start(pthread_t *ret, void *(*run)(void *), void *argument); /* joinable; 0 or an errno */

#endif
