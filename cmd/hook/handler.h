/* handler.h -- the trigger signal in the program: our handler in front, the program's own behind it.
 *
 * The program keeps its view. What it installs for our signal, before or after us, is remembered, called for
 * every delivery, and reported back when it asks; the flags and mask of its handler become ours. Without a
 * handler of its own (default, ignore) nothing is chained. Where the library is preloaded, sigaction and
 * signal are interposed, so nothing is ever replaced; elsewhere handler_check puts us in front again.
 */
#ifndef HELDBY_HOOK_HANDLER_H
#define HELDBY_HOOK_HANDLER_H

#include <signal.h>
#include <stdbool.h>

void handler_look_up(void);       /* libc's functions behind ours, before anybody needs them in a handler */
bool handler_install(int number); /* false: errno */
void handler_remove(void);        /* the program's action is in place again */
void handler_check(void);         /* from time to time, where handler_interposes is false */
bool handler_interposes(void);    /* calls of sigaction by the program pass through here */
/* A delivery to the process that the helper thread got instead of the program: hand it on, if the program has
 * a handler. */
void handler_hand_on(const siginfo_t *info);
/* libc's own sigaction, whoever interposes. */
int handler_real_sigaction(int number, const struct sigaction *action, struct sigaction *ret_old);

#endif
