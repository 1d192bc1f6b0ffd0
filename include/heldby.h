/* heldby.h -- asks a process for a snapshot of its own Python heap, from C.
 *
 * libheldby.so is a hook: loaded into a CPython process (LD_PRELOAD, `heldby run`, `import heldby`, dlopen)
 * it waits for a reason and then forks; the child writes what lives and who holds it to a file, the process
 * goes on. Nearly every user needs none of these functions: the hook arms itself and listens to a signal.
 * They are for programs that embed Python, or that want a snapshot at a moment only they know. Link with
 * -lheldby, or use dlopen and dlsym.
 *
 * What the hook does: it adds one sleeping thread, takes one signal, and forks when asked. What it does not
 * do: it changes no object, no reference count, no file descriptor and no output of the program, and it never
 * ends it. All functions may be called from any thread, with or without the GIL; not from a signal handler,
 * and not between fork and exec.
 *
 * Settings are read from the environment once, when the hook arms:
 *
 *     HELDBY_SIGNAL=NAME        trigger signal, by name or number; default USR2. A handler of the program
 *                               for it is called as well; one that waits for it with sigwait or
 *                               signalfd needs another signal
 *     HELDBY_DIR=DIR            folder of the snapshots; default: the working directory
 *     HELDBY_AT_EXIT=1          a snapshot when the interpreter ends, after all other atexit functions
 *     HELDBY_ON_MEMORY_ERROR=1  a snapshot when an allocation of Python fails, at most one a minute
 *     HELDBY_EVERY=SECONDS      a snapshot every so often
 *     HELDBY_VALUES=BYTES       longest preview of a value; default 64; 0 writes no values at all
 *     HELDBY_LOG=FILE           one line per snapshot and per problem; default: a line per problem, in
 *                               HELDBY_DIR/heldby.PID.log, which exists only if there was one
 *     HELDBY_GIL_TIMEOUT=S      wait this long for the GIL, then capture without it and say so; default 10
 *     HELDBY_WALK_TIMEOUT=S     end a capture that takes longer; default 600
 *     HELDBY_OFF=1              do nothing
 *
 * Files are HELDBY_DIR/NAME.PID.N.held, mode 0600: NAME is the program's, N counts from 1 and never replaces
 * a file. They are written under a temporary name and renamed when they are whole; a capture that fails
 * leaves no file.
 */
#ifndef HELDBY_H
#define HELDBY_H

#ifdef __cplusplus
extern "C" {
#endif

/* Arms the hook if it is not armed yet. Returns 0, or -1 if it cannot be (no CPython here, a version or build
 * that is not supported, HELDBY_OFF): heldby_problem says why. Needed only after dlopen into a process whose
 * environment has no HELDBY_ variable. */
int heldby_arm(void);

/* 1 if the hook is armed in this process, else 0. */
int heldby_armed(void);

/* Takes a snapshot. `path`: the file to write, replaced if it exists; NULL for the default name. `wait` not
 * 0: returns when the file is complete; 0: returns after the fork, the file appears when it is whole. Waits
 * for a capture that is under way. Returns 0, or an errno value (heldby_problem has the line); ENOSYS if the
 * hook is not armed. */
int heldby_snapshot(const char *path, int wait);

/* The path of the snapshot this process asked for last through heldby_snapshot, "" if none; and the line that
 * says why the last of these functions to fail in this process did so, "" if none did. Both are valid until
 * the next call. */
const char *heldby_path(void);
const char *heldby_problem(void);

/* "0.1.0" */
const char *heldby_version(void);

#ifdef __cplusplus
}
#endif

#endif
