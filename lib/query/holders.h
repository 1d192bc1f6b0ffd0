/* holders.h -- what holds an object and what an object holds, one step at a time, folded as Python
 * programmers think of it.
 *
 * Raw references go through parts that nobody names: an instance's dict, a module's dict, a generator's
 * frame, a closure's tuple and cells, a cache's dict and links. Here the owner holds what is in them:
 *
 *      raw     instance ─NAMESPACE─► dict ─['attr']─► value        folded   instance ─.attr─► value
 *              module   ─NAMESPACE─► dict ─['_X']───► value                 app ─._X─► value
 *              function ─► tuple ─[0]─► cell ─► value               function ─.<closure>.cv─► value
 *              wrapper  ─CACHE─► dict ─[key]─► link ─► value        wrapper ─.<cache>[key]─► value
 *
 * The parts stay objects and can be asked about themselves. Weak references are listed, marked by their kind.
 */
#ifndef HELDBY_HOLDERS_H
#define HELDBY_HOLDERS_H

#include "lib/query/view.h"

/* One folded reference: `holder` holds `object`.
 *   kind    of the folded reference: GLOBAL, CLASS_ATTRIBUTE, ATTRIBUTE, LOCAL, CELL, CACHE, or the raw one
 *   name    attribute, variable or field, borrowed; "" if there is none or if it is the text of `key`
 *   key     KEY, CACHE: the key object; ATTRIBUTE, GLOBAL ...: the str that is its name; or 0
 *   number  index, pair number, offset of an unnamed field
 *   via     the last part folded away, which holds `object` directly; 0: none
 */
struct hold {
    object_id holder, object;
    enum reference_kind kind;
    enum certainty certainty;
    const char *name;
    object_id key;
    int64_t number;
    object_id via;
};

/* CACHE: a value under its key, .<cache>[key]; otherwise the cache itself, which is a field with a name. */
static inline bool holders_is_cached_value(const struct hold *hold)
{
    return hold->kind == REFERENCE_CACHE && !*hold->name;
}

struct holds {
    struct hold *item;
    size_t count, capacity; /* all zero: empty */
};

void holds_free(struct holds *holds);

/* Appends all that hold `object`: one per reference, sources ascending by id, then in the order they hold it.
   O(answer), plus one scan of each holder's own references. A transparent dict is left out as a holder when
   its owner stands for it, unless others than functions and frames hold the dict too. */
bool holders_of(struct view *view, object_id object, struct holds *ret, struct error *err);

/* The same for many objects at once (ascending ids, none twice): each holder is scanned once, however many it
 * holds. */
bool holders_of_many(struct view *view, const object_id *objects, size_t count, struct holds *ret,
                     struct error *err);

/* Appends the holders that one raw reference stands for: one, or several when several own the part it leads
 * out of. What holders_of finds for an object are these for all references to it. */
bool holders_of_reference(struct view *view, const struct reference *raw, struct holds *ret,
                          struct error *err);

/* Appends all that `object` holds, in its own order. A transparent part is listed (kind NAMESPACE, FRAME) and
 * its content too. */
bool referents_of(struct view *view, object_id object, struct holds *ret, struct error *err);

/* Appends the reference of an object to its type (kind TYPE), which objects of classes made at run time own;
 * nothing for other types. It is not among referents_of, for no answer follows it unasked. */
bool referents_add_type(struct view *view, object_id object, struct holds *ret, struct error *err);

/* Folds the raw reference made of `steps` (count + 1 objects, count edges: object i+1 is held by object i
   through edge[i]) as far as one folded reference goes: fills *ret and returns how many edges it took, at
   least 1; 0 only if count is 0. */
enum { HOLDERS_FOLD_MOST = 3 }; /* edges one folded reference takes at most */
size_t holders_fold(struct view *view, const object_id *object, const uint64_t *edge, size_t count,
                    struct hold *ret);

#endif
