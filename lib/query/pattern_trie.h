/* pattern_trie.h -- step texts and the patterns made of them, each stored once. */
#ifndef HELDBY_PATTERN_TRIE_H
#define HELDBY_PATTERN_TRIE_H

#include "lib/base/text_buffer.h"

struct pattern_trie;

struct pattern_trie *pattern_trie_create(struct error *err); /* NULL: no memory */
void pattern_trie_destroy(struct pattern_trie *trie);        /* NULL is fine */

/* Each returns an id above 0, or 0 when there is no memory. */
uint32_t pattern_trie_label(struct pattern_trie *trie, const char *text, size_t length, struct error *err);
/* The pattern that begins with a label. */
uint32_t pattern_trie_begin(struct pattern_trie *trie, uint32_t label, struct error *err);
/* `pattern` and one step more. A step like the two before it, or two steps like the two before them, are
   written as a repetition, and what is very deep loses its middle: so deep structures have few patterns. */
uint32_t pattern_trie_extend(struct pattern_trie *trie, uint32_t pattern, uint32_t label, struct error *err);

uint32_t pattern_trie_count(const struct pattern_trie *trie); /* ids are below it */
void pattern_trie_text(const struct pattern_trie *trie, uint32_t pattern, struct text_buffer *to);

#endif
