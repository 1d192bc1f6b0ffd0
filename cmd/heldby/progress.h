/* progress.h -- says on standard error what is being done, while it lasts, when that is a terminal; otherwise
 * nothing. */
#ifndef HELDBY_PROGRESS_H
#define HELDBY_PROGRESS_H

/* Replaces what stood there. Nothing is shown for work that is certainly short; `size` is the input's bytes.
 */
void progress_say(unsigned long long size, const char *what, const char *name);
/* The same for one of several stages, with how much of it is done; total 0: not known. May be called often.
 */
void progress_part(const char *what, const char *name, unsigned long long done, unsigned long long total);
void progress_clear(void);

#endif
