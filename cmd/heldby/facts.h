/* facts.h -- the facts of a snapshot, read by type, and their form in JSON. A fact that is missing or of
 * another type is no error: older and newer hooks write others. */
#ifndef HELDBY_FACTS_H
#define HELDBY_FACTS_H

#include "cmd/heldby/json.h"
#include "lib/query/info.h"

const char *fact_text(const struct heap *heap, const char *key); /* NULL: missing or empty */
bool fact_u64(const struct heap *heap, const char *key, uint64_t *ret);
bool fact_f64(const struct heap *heap, const char *key, double *ret);

/* Bytes of the version proper at the start of "3.11.2 (main, ...) [GCC ...]"; 0 for NULL. */
size_t version_length(const char *version);

/* The keys of `heldby info`, but those every document has and the table of kinds. False: no memory. */
bool info_json(struct json *json, const struct heap *heap, const struct info *info, struct error *err);

#endif
