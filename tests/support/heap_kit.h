/* heap_kit.h -- Python-like heaps for tests, put together object by object in any order.
 *
 * Unlike heap_builder.h, edges may be given to any object at any time before kit_finish, and ids are known at
 * once. Failures fail the running Check test. One kit at a time is enough: all calls take it.
 */
#ifndef HELDBY_TEST_HEAP_KIT_H
#define HELDBY_TEST_HEAP_KIT_H

#include "lib/heap/heap_builder.h"

struct kit;

struct kit *kit_create(void);
/* The heap; the kit is gone. heap_destroy is the caller's. */
struct heap *kit_finish(struct kit *k);

/* A type; its own object, if it is to have one, is given with kit_type_object. */
type_id kit_type(struct kit *k, const char *name, const char *module, enum family family);
void kit_type_object(struct kit *k, type_id type, object_id object);

object_id kit_object(struct kit *k, type_id type);
/* Types are made at the first use: list, tuple, dict, set, str, int, NoneType, module, function, cell, type
 * ... */
object_id kit_builtin(struct kit *k, enum family family);
object_id kit_str(struct kit *k, const char *text);
object_id kit_str_cut(struct kit *k, const char *text, uint64_t full_length);
object_id kit_int(struct kit *k, long value);
object_id kit_named(struct kit *k, enum family family,
                    const char *name); /* a function, code, ... with a name preview */
object_id kit_count(const struct kit *k);
enum family kit_family(const struct kit *k, object_id id);
bool kit_has_dict(const struct kit *k, object_id id); /* a NAMESPACE field */
void kit_address(struct kit *k, object_id id, uint64_t address);
void kit_detail(struct kit *k, object_id id, uint64_t size, uint64_t refcount, uint8_t flags);

/* References. A field's name may be NULL. */
void kit_field(struct kit *k, object_id source, enum reference_kind kind, const char *name, object_id target);
void kit_item(struct kit *k, object_id list, object_id target);
void kit_pair(struct kit *k, object_id dict, object_id key, object_id value);
void kit_member(struct kit *k, object_id set, object_id target);

void kit_root(struct kit *k, enum root_kind kind, enum reference_kind reference, const char *name,
              object_id target);
uint32_t kit_thread(struct kit *k, const char *name, uint64_t ident);
uint32_t kit_frame(struct kit *k, uint32_t thread, const char *module, const char *function, uint32_t depth,
                   object_id code);
void kit_local(struct kit *k, uint32_t frame, const char *name, object_id target);
/* An uncertain place on the frame's expression stack. */
void kit_stack(struct kit *k, uint32_t frame, int64_t slot, object_id target);

/* A module with its dict, in sys.modules. */
object_id kit_module(struct kit *k, const char *name);
void kit_global(struct kit *k, object_id module, const char *name, object_id value);
object_id kit_dict_of(const struct kit *k, object_id owner); /* target of its NAMESPACE field */
/* An instance with a dict of its own. */
object_id kit_instance(struct kit *k, type_id type);
void kit_attribute(struct kit *k, object_id owner, const char *name, object_id value);
/* function -> code, closure tuple -> cells -> values. `names` are the free variables. */
object_id kit_closure(struct kit *k, const char *name, size_t count, const char *const *names,
                      const object_id *values, bool old_style);

#endif
