/* exclusion.h -- what the SEL of --exclude and --avoid means.
 *
 *      0x7f00, 139…, @12     this object
 *      app.Session           all objects of this type, and the class itself
 *      app, app.main         the module of this name, the function or class of this name
 *      'app.*'               all whose type or own name matches, the module app itself, and what functions of
 *                            it that were running held
 *      Session               the type of that name, without its module, when there is only one
 *      app._CACHE['k7']      the object at the end of this path
 *
 * The first line that fits counts; a name means all of what bears it. With a module, a class or a function
 * goes its own namespace.
 */
#ifndef HELDBY_EXCLUSION_H
#define HELDBY_EXCLUSION_H

#include "lib/query/view.h"

struct exclusion {
    struct object_set objects;
    bool *roots; /* [root_count]: frames whose function has such a name */
};

/* `exclusion` begins all zero; what a text means is added. ERROR_NOT_FOUND: nothing; ERROR_USAGE: a bare name
 * that several types have. */
bool exclusion_add(struct exclusion *exclusion, struct view *view, const char *text, struct error *err);
void exclusion_free(struct exclusion *exclusion);

#endif
