/* path_runs.h -- runs of alike steps in a path: a linked list of 100 000 nodes is one step, many times.
 *
 * The steps themselves stay as they are (JSON has all of them); what is written for people folds them.
 */
#ifndef HELDBY_PATH_RUNS_H
#define HELDBY_PATH_RUNS_H

#include "lib/base/text_buffer.h"
#include "lib/query/path.h"

enum {
    PATH_RUN_LEAST = 4,  /* times; fewer are written out */
    PATH_RUN_PERIOD = 4, /* steps that are repeated together, at most: (['next'][0])×50 000 */
};

/* How many of the `count` steps, from the first on, are spelled alike and lead to objects of one type: at
 * least 1; 0 only if count is 0. */
size_t path_run(const struct path_step *steps, size_t count);

/* Appends the steps as an expression has them, runs folded: (.next)×99 999, " (+0x0 ->)×99 999". */
void path_runs_text(const struct path_step *steps, size_t count, struct text_buffer *to);

/* Appends the expression of a path with one more step behind it, spelled `step`. False: no memory. */
bool path_runs_longer(const struct path *path, const char *step, struct text_buffer *to, struct error *err);

/* Appends such a text with its runs written out, as spelling_step has them. False, and nothing of use in
 * `to`: it has none, or would be longer than PATH_RUNS_EXPANDED bytes. */
#define PATH_RUNS_EXPANDED ((size_t)64 << 20)
bool path_runs_expand(const char *text, struct text_buffer *to);

#endif
