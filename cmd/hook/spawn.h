/* spawn.h -- running the command line from inside a program without disturbing it.
 *
 * A process that executes another file sends SIGCHLD when it ends, whatever it was made with. So there are
 * two: one that waits, which shares the program's memory, executes nothing and ends without a signal, and its
 * child, which is the command line. The program's own wait() sees neither, nothing of its memory is copied,
 * and the command starts with signals as a shell would give them. Neither keeps a descriptor of the program.
 */
#ifndef HELDBY_HOOK_SPAWN_H
#define HELDBY_HOOK_SPAWN_H

#include <stdbool.h>

struct spawn;

/* Starts argv[0], a path; standard input is /dev/null, output and errors go to new files of these names. NULL
 * with errno. All texts are read before it returns. */
struct spawn *spawn_start(char *const *argv, char *const *environment, const char *out, const char *errors);
/* True once the command has ended, and `spawn` with it: *ret_status is its exit status, or 128 + the signal
 * that ended it; 128 + 9 if somebody has ended the process that waits for it. Does not block. */
bool spawn_ended(struct spawn *spawn, int *ret_status);
/* Ends the command, and `spawn` with it. In a fork of the process that started it: only forgets it. */
void spawn_kill(struct spawn *spawn);

#endif
