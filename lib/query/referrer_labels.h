/* referrer_labels.h -- the kind of thing a reference comes from, as a small number with a text.
 *
 *      REFERRER_TYPES   app.Holder (a slot or C field), dict of app.Holder (an attribute), list, cell
 *      REFERRER_NAMES   app.Holder.attr, list[*], dict.keys()[*], app._CACHE (a module's global)
 *
 * An instance's attributes are "dict of" its type however the instance stores them: the form depends on the
 * version of Python and on what the program did before, and says nothing about who holds.
 */
#ifndef HELDBY_REFERRER_LABELS_H
#define HELDBY_REFERRER_LABELS_H

#include "lib/query/name_table.h"
#include "lib/query/view.h"

enum referrer_naming { REFERRER_TYPES, REFERRER_NAMES };

struct referrer_labels {
    struct view *view; /* borrowed */
    enum referrer_naming naming;
    struct name_table texts; /* text of label n is texts.name[n - 1] */
    object_id *owner;        /* [object_count + 1]: of a transparent part, whose it is; else 0 */
    uint32_t *plain, *own;   /* [type_count + 1]: labels of "T" and "dict of T", 0: not made yet */
    struct label_memo *memo; /* of names: open addressing */
    size_t memo_mask, memo_used;
};

/* O(objects + their fields). */
bool referrer_labels_create(struct referrer_labels *ret, struct view *view, enum referrer_naming naming,
                            struct error *err);
void referrer_labels_free(struct referrer_labels *labels);

/* The label of a text of the caller's, a root's for example. 0: no memory. */
uint32_t referrer_label_text(struct referrer_labels *labels, const char *text, struct error *err);

/* Labels of all references of an object, in their order: label[i] of edge csr_start + i; 0 for empty places
   and weak references, which hold nothing. `label` has room for all. */
bool referrer_labels_of(struct referrer_labels *labels, object_id source, uint32_t *label, struct error *err);

#endif
