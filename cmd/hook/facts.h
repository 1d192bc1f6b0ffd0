/* facts.h -- what is known about the process from outside Python: identity, start, memory.
 *
 * Read from /proc before the GIL is taken, so that none of it costs a pause. Keys as in
 * docs/snapshot-format.md. Text is kept in the struct itself; what does not fit is cut. No malloc, no name
 * service: the user's name comes from /etc/passwd or is left out.
 */
#ifndef HELDBY_HOOK_FACTS_H
#define HELDBY_HOOK_FACTS_H

#include "formats/cpython/cpython.h"

enum { FACTS_MAX = 72, FACTS_TEXT = 64 * 1024 };

struct facts {
    struct capture_fact rows[FACTS_MAX];
    size_t count;
    char text[FACTS_TEXT];
    size_t text_used;
};

void facts_gather(struct facts *f);
/* Adds a fact or changes the one of that key. `key` must live as long as f. */
void facts_u64(struct facts *f, const char *key, uint64_t value);
void facts_f64(struct facts *f, const char *key, double value);
void facts_text(struct facts *f, const char *key, const char *text);

/* NAME of the default file name: basename of the script or the module of -m, else of the executable. */
void facts_program_name(char *to, size_t size);

#endif
