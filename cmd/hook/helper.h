/* helper.h -- the one thread of the hook, "heldby:SIGNAL", asleep until something asks for a snapshot.
 *
 * It has every signal blocked and holds nothing while it sleeps, in sigtimedwait. Reasons to wake: the
 * trigger signal in any thread of the program (handler.h), `heldby dump` (a signal to this very thread,
 * carrying a token), an interval, a capture that a thread of the program has begun and leaves to it. Signals
 * that arrive during a capture cause one more, not many.
 */
#ifndef HELDBY_HOOK_HELPER_H
#define HELDBY_HOOK_HELPER_H

#include <stdbool.h>

int helper_start(void);           /* 0 or an errno */
void helper_request_signal(void); /* async-signal-safe */
void helper_wake(void);           /* async-signal-safe: something it looks after has changed */
bool helper_is_running(void);
/* A capture was split and will be ended by the helper, which also releases the lock. */
void helper_take_over(void);

/* If it is idle: ends the thread and waits until the kernel counts it no more. False if it was busy or
 * absent. */
bool helper_stop(void);
/* In the child of a fork: forgets everything of the parent. `by_python`: an os.fork, so Python will run again
 * soon. */
void helper_after_fork(bool by_python);

#endif
