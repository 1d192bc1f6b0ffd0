/* fork.h -- keeps the hook right across fork() of the program.
 *
 * The child is armed like the parent: own helper, own shared page, own numbers. From CPython 3.12 on, os.fork
 * warns if the process has another thread, and counts ours: there the helper ends before the fork and comes
 * back after the check. vfork, posix_spawn and subprocess run none of this.
 */
#ifndef HELDBY_HOOK_FORK_H
#define HELDBY_HOOK_FORK_H

/* Once per process image, after its first malloc (see fork.c). 0 or an errno. */
int fork_watch(void);

#endif
