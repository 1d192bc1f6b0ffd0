/* leader.h -- a process must not go on because of us: its threads may all end without any of them exiting.
 *
 * The child of a fork that a thread other than the main one called has that thread as its first, the leader.
 * When the thread's function returns, the last thread is gone, and with it the process: unless the helper is
 * still there. So the end of the leader is noticed, and from then on the helper looks whether it is alone.
 */
#ifndef HELDBY_HOOK_LEADER_H
#define HELDBY_HOOK_LEADER_H

#include <stdbool.h>

/* To be called in the leader itself; elsewhere it does nothing. Its end wakes the helper. */
void leader_watch(void);
bool leader_is_gone(void);
/* Are there threads beside the leader that has ended and `own` threads of the hook? False where /proc does
 * not say: better no more snapshots than a process that never ends. */
bool leader_left_others(int own);
/* In the child of a fork, by the thread that is its leader now. */
void leader_after_fork(void);

#endif
