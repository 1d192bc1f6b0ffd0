/* noise.h -- why CPython itself holds an object from C: the classes of references that refcheck leaves out.
 *
 * An interpreter without any leak holds thousands of objects from C: names in static tables, cached small
 * integers, what its own C modules keep of what they publish. Each class below is a rule that can be checked
 * on the object, never a threshold. What no rule names is not noise.
 *
 * Rules that look at values (small ints, single characters, __name__, where a module was loaded from) need
 * the snapshot's values: with `--no-values` an int or a str without one counts as noise, and what C modules
 * publish is not known.
 */
#ifndef HELDBY_NOISE_H
#define HELDBY_NOISE_H

#include "lib/query/view.h"

enum noise {
    NOISE_NONE,
    NOISE_INTERNED,    /* an interned str: names in C tables */
    NOISE_CHARACTER,   /* the empty str or bytes, or one of a single character: cached */
    NOISE_SMALL_INT,   /* -5 to 256: cached */
    NOISE_SINGLETON,   /* None, True, ..., (), frozenset(), ast.Load(): one of its kind, kept in C */
    NOISE_TYPE,        /* a class: C keeps types by pointer */
    NOISE_CODE,        /* a code object: caches of the interpreter */
    NOISE_MODULE,      /* a module or its definition: the import machinery */
    NOISE_MODULE_DICT, /* a module's dict, or the copy from which it is imported again */
    NOISE_MODULE_NAME, /* a str that is a module's __name__ or __file__, or something's __doc__ */
    NOISE_C_MODULE,    /* what one of the interpreter's own C modules publishes, or is known to import; what
                          another    extension module publishes, if one reference is missing */
    NOISE_ATTRIBUTE,   /* a str that reads like a name in a namespace: the cache of attribute look-ups */
    NOISE_PARSER,      /* names and constants of the main program, kept while it runs */
    NOISE_CTYPES,      /* argument types of ctypes functions */
    NOISE_THREAD_LOCAL,
    NOISE_RUNNING, /* the function of a running frame, held by its caller; the frame, held by what it called
                    */
    NOISE_STACK,   /* no more than calls in progress hold on their expression stacks */
    NOISE_KINDS
};

/* The class's name as it is printed: "interned", "small int", ... ; "" for none. */
const char *noise_name(enum noise noise);
/* What a class means, as half a sentence. */
const char *noise_meaning(enum noise noise);

struct noises;

/* Looks through modules and frames once. NULL: *err says why. */
struct noises *noises_create(struct view *view, struct error *err);
void noises_destroy(struct noises *noises); /* NULL is fine */

/* The class of an object of which `unexplained` references were not found, `found` were. */
enum noise noises_of(struct noises *noises, object_id object, uint64_t found, uint64_t unexplained);

#endif
