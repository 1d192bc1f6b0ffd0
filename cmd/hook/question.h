/* question.h -- heldby.referrers(), path() and their like: a snapshot of this process and the command line's
 * answer.
 *
 * The snapshot is taken here in C, before and after which questions.py runs: when the process forks no Python
 * frame of the hook exists. questions.py is part of this library and is compiled at the first question.
 */
#ifndef HELDBY_HOOK_QUESTION_H
#define HELDBY_HOOK_QUESTION_H

/* Asks `heldby COMMAND`; the hook is armed. `command` NULL: the first argument names it. Returns the answer
 * or NULL with an exception. */
void *question_ask(const char *command, void *arguments, void *keywords);
void question_after_fork(void); /* in the child of a fork: only the calling thread exists */

#endif
