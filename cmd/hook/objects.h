/* objects.h -- the Python objects that snapshots leave out: those of the hook, and what a question is asked
 * with.
 *
 * The hook keeps a reference to each of its own, so that an address stands for one object as long as its
 * interpreter lives. They are those of one interpreter, the last that called the hook. What a caller passed
 * is left out while the call runs, which holds it anyway. Changed with the GIL held.
 */
#ifndef HELDBY_HOOK_OBJECTS_H
#define HELDBY_HOOK_OBJECTS_H

#include "formats/cpython/cpython.h"

#include <stddef.h>
#include <stdint.h>

enum {
    HOOK_OBJECTS_MAX = 1024,
    HOOK_FUNCTIONS_MAX = 32,
    HOOK_CALLS_MAX = 32,
    HOOK_PASSED_MAX = 8,
    HOOK_LENT_MAX = 1024
};

extern uint64_t hook_objects[HOOK_OBJECTS_MAX];
extern size_t hook_object_count;
extern uint64_t hook_functions[HOOK_FUNCTIONS_MAX]; /* those of them that the program calls */
extern size_t hook_function_count;
extern struct capture_call hook_calls[HOOK_CALLS_MAX];         /* thread 0: a free place */
extern uint64_t hook_passed[HOOK_CALLS_MAX * HOOK_PASSED_MAX]; /* left out while a call runs */
extern uint64_t hook_answers; /* the list of weak references to answers that the program has, or 0 */

/* Forgets the objects of another interpreter, which may have ended, if they are not of the one that runs. */
void hook_objects_begin(void);
/* How often that has happened: what is kept elsewhere of the objects is forgotten as well. */
unsigned hook_objects_generation(void);

void hook_object_add(void *object);   /* takes a new reference of its own; NULL and known ones are ignored */
void hook_function_add(void *object); /* the same, of a function of the hook's module */
/* `object`, all of it ours, and the functions, code, tuples and dicts that it is made of, but for `not_this`,
 * the namespace of the builtins. */
void hook_object_add_all(void *object, const void *not_this);
/* Somebody's object that is there for us, no class, and the containers that nothing but it holds. */
void hook_object_add_instance(void *object);

/* A call of one of the hook's functions by the current thread: its arguments (a tuple, a dict or NULL) are
 * left out of snapshots, unless the program holds them for itself. -1: too many at once, nothing is left out.
 */
int hook_call_begin(void *arguments, void *keywords);
void hook_call_pass(int call, void *object); /* leaves this one out as well */
void hook_call_end(int call);                /* -1 is ignored */
void hook_calls_after_fork(void);            /* in the child of a fork: only the calling thread exists */

#endif
