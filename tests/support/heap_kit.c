#include "tests/support/heap_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"
#include "tests/support/support.h"

struct kit_edge {
    enum reference_kind kind;
    const char *name;
    object_id target;
};

struct kit_node {
    type_id type;
    enum shape_tail tail;
    uint64_t address;
    struct heap_detail detail;
    struct kit_edge *field;
    size_t field_count, field_capacity;
    object_id *item; /* of the tail */
    size_t item_count, item_capacity;
    enum preview_kind preview;
    char *text;
    size_t text_length;
    uint64_t full_length;
};

struct kit {
    struct heap_builder *builder;
    struct kit_node *node; /* [0] unused */
    size_t count, capacity;
    struct heap_type *types; /* [0] unused */
    size_t type_count, type_capacity;
    type_id builtin[FAMILIES];
    struct heap_root *roots;
    size_t root_count, root_capacity;
    struct error err;
};

/* Shapes are looked up by their text, so that alike objects share one. */
struct shape_key {
    char *text;
    shape_id shape;
};

static void *room(void *items, size_t *capacity, size_t wanted, size_t size)
{
    struct error err;
    ck_assert_ok(vector_reserve(&items, capacity, wanted, size, &err), &err);
    return items;
}

static string_id intern(struct kit *k, const char *text)
{
    if (!text || !*text)
        return 0;
    string_id id = heap_builder_string(k->builder, text, strlen(text), &k->err);
    ck_assert_ok(id, &k->err);
    return id;
}

struct kit *kit_create(void)
{
    struct kit *k = calloc(1, sizeof *k);
    ck_assert_ptr_nonnull(k);
    k->builder = heap_builder_create("kit", &k->err);
    ck_assert_ok(k->builder, &k->err);
    k->node = room(NULL, &k->capacity, 1, sizeof *k->node);
    k->types = room(NULL, &k->type_capacity, 1, sizeof *k->types);
    k->count = k->type_count = 1;
    return k;
}

type_id kit_type(struct kit *k, const char *name, const char *module, enum family family)
{
    k->types = room(k->types, &k->type_capacity, k->type_count + 1, sizeof *k->types);
    k->types[k->type_count] =
        (struct heap_type){.name = intern(k, name), .module = intern(k, module), .family = family};
    return (type_id)k->type_count++;
}

void kit_type_object(struct kit *k, type_id type, object_id object)
{
    k->types[type].object = object;
}

object_id kit_object(struct kit *k, type_id type)
{
    k->node = room(k->node, &k->capacity, k->count + 1, sizeof *k->node);
    object_id id = (object_id)k->count++;
    k->node[id] = (struct kit_node){
        .type = type, .address = 0x100000 + 32 * (uint64_t)id, .detail = {.size = 48, .refcount = 1}};
    switch (k->types[type].family) {
    case FAMILY_LIST:
    case FAMILY_TUPLE:
    case FAMILY_DEQUE:
        k->node[id].tail = TAIL_INDEX;
        break;
    case FAMILY_DICT:
        k->node[id].tail = TAIL_PAIRS;
        break;
    case FAMILY_SET:
        k->node[id].tail = TAIL_MEMBERS;
        break;
    default:
        break;
    }
    return id;
}

object_id kit_builtin(struct kit *k, enum family family)
{
    static const char *const names[FAMILIES] = {[FAMILY_OTHER] = "object",
                                                [FAMILY_TYPE] = "type",
                                                [FAMILY_STR] = "str",
                                                [FAMILY_BYTES] = "bytes",
                                                [FAMILY_INT] = "int",
                                                [FAMILY_FLOAT] = "float",
                                                [FAMILY_BOOL] = "bool",
                                                [FAMILY_NONE] = "NoneType",
                                                [FAMILY_LIST] = "list",
                                                [FAMILY_TUPLE] = "tuple",
                                                [FAMILY_DICT] = "dict",
                                                [FAMILY_SET] = "set",
                                                [FAMILY_MODULE] = "module",
                                                [FAMILY_FUNCTION] = "function",
                                                [FAMILY_CODE] = "code",
                                                [FAMILY_CELL] = "cell",
                                                [FAMILY_METHOD] = "method",
                                                [FAMILY_FRAME] = "frame",
                                                [FAMILY_WEAKREF] = "weakref",
                                                [FAMILY_GENERATOR] = "generator",
                                                [FAMILY_DEQUE] = "collections.deque",
                                                [FAMILY_LRU_CACHE] = "functools._lru_cache_wrapper",
                                                [FAMILY_LRU_LINK] = "functools._lru_list_elem"};
    if (!k->builtin[family])
        k->builtin[family] = kit_type(k, names[family], "builtins", family);
    return kit_object(k, k->builtin[family]);
}

static void set_preview(struct kit *k, object_id id, enum preview_kind kind, const char *text, size_t length,
                        uint64_t full)
{
    struct kit_node *node = &k->node[id];
    node->preview = kind;
    node->text = malloc(length + 1);
    memcpy(node->text, text, length);
    node->text_length = length;
    node->full_length = full;
}

object_id kit_str_cut(struct kit *k, const char *text, uint64_t full_length)
{
    object_id id = kit_builtin(k, FAMILY_STR);
    set_preview(k, id, PREVIEW_STR, text, strlen(text), full_length);
    return id;
}

object_id kit_str(struct kit *k, const char *text)
{
    uint64_t points = 0;
    for (const char *c = text; *c; c++)
        points += ((unsigned char)*c & 0xc0) != 0x80;
    return kit_str_cut(k, text, points);
}

object_id kit_int(struct kit *k, long value)
{
    char text[32];
    object_id id = kit_builtin(k, FAMILY_INT);
    set_preview(k, id, PREVIEW_INT, text, (size_t)snprintf(text, sizeof text, "%ld", value), 64);
    return id;
}

object_id kit_named(struct kit *k, enum family family, const char *name)
{
    object_id id = kit_builtin(k, family);
    set_preview(k, id, PREVIEW_NAME, name, strlen(name), strlen(name));
    return id;
}

object_id kit_count(const struct kit *k)
{
    return (object_id)k->count - 1;
}

enum family kit_family(const struct kit *k, object_id id)
{
    return k->types[k->node[id].type].family;
}

bool kit_has_dict(const struct kit *k, object_id id)
{
    for (size_t i = 0; i < k->node[id].field_count; i++)
        if (k->node[id].field[i].kind == REFERENCE_NAMESPACE)
            return true;
    return false;
}

void kit_address(struct kit *k, object_id id, uint64_t address)
{
    k->node[id].address = address;
}

void kit_detail(struct kit *k, object_id id, uint64_t size, uint64_t refcount, uint8_t flags)
{
    k->node[id].detail = (struct heap_detail){size, refcount, flags};
}

void kit_field(struct kit *k, object_id source, enum reference_kind kind, const char *name, object_id target)
{
    struct kit_node *node = &k->node[source];
    node->field = room(node->field, &node->field_capacity, node->field_count + 1, sizeof *node->field);
    node->field[node->field_count++] = (struct kit_edge){kind, name ? strdup(name) : NULL, target};
}

static void add_item(struct kit *k, object_id source, object_id target, enum shape_tail tail)
{
    struct kit_node *node = &k->node[source];
    ck_assert_int_eq(node->tail, tail);
    node->item = room(node->item, &node->item_capacity, node->item_count + 1, sizeof *node->item);
    node->item[node->item_count++] = target;
}

void kit_item(struct kit *k, object_id list, object_id target)
{
    add_item(k, list, target, TAIL_INDEX);
}

void kit_pair(struct kit *k, object_id dict, object_id key, object_id value)
{
    add_item(k, dict, key, TAIL_PAIRS);
    add_item(k, dict, value, TAIL_PAIRS);
}

void kit_member(struct kit *k, object_id set, object_id target)
{
    add_item(k, set, target, TAIL_MEMBERS);
}

static void add_root(struct kit *k, struct heap_root root)
{
    k->roots = room(k->roots, &k->root_capacity, k->root_count + 1, sizeof *k->roots);
    k->roots[k->root_count++] = root;
}

void kit_root(struct kit *k, enum root_kind kind, enum reference_kind reference, const char *name,
              object_id target)
{
    add_root(k, (struct heap_root){.kind = (uint8_t)kind,
                                   .reference = (uint8_t)reference,
                                   .name = intern(k, name),
                                   .target = target});
}

uint32_t kit_thread(struct kit *k, const char *name, uint64_t ident)
{
    uint32_t id = heap_builder_thread(
        k->builder, &(struct heap_thread){.ident = ident, .native = ident + 1, .name = intern(k, name)},
        &k->err);
    ck_assert_ok(id, &k->err);
    return id;
}

uint32_t kit_frame(struct kit *k, uint32_t thread, const char *module, const char *function, uint32_t depth,
                   object_id code)
{
    uint32_t id = heap_builder_frame(k->builder,
                                     &(struct heap_frame){.thread = thread,
                                                          .depth = depth,
                                                          .function = intern(k, function),
                                                          .module = intern(k, module),
                                                          .file = intern(k, "app.py"),
                                                          .line = 10 + depth,
                                                          .code = code},
                                     &k->err);
    ck_assert_ok(id, &k->err);
    return id;
}

void kit_local(struct kit *k, uint32_t frame, const char *name, object_id target)
{
    add_root(k, (struct heap_root){.kind = ROOT_FRAME,
                                   .reference = REFERENCE_LOCAL,
                                   .name = intern(k, name),
                                   .target = target,
                                   .thread = 1,
                                   .frame = frame});
}

void kit_stack(struct kit *k, uint32_t frame, int64_t slot, object_id target)
{
    add_root(k, (struct heap_root){.kind = ROOT_FRAME,
                                   .reference = REFERENCE_STACK,
                                   .certainty = CERTAINTY_UNCERTAIN,
                                   .number = slot,
                                   .target = target,
                                   .thread = 1,
                                   .frame = frame});
}

object_id kit_module(struct kit *k, const char *name)
{
    object_id module = kit_named(k, FAMILY_MODULE, name), dict = kit_builtin(k, FAMILY_DICT);
    kit_field(k, module, REFERENCE_NAMESPACE, "__dict__", dict);
    kit_root(k, ROOT_MODULE, 0, name, module);
    return module;
}

object_id kit_dict_of(const struct kit *k, object_id owner)
{
    for (size_t i = 0; i < k->node[owner].field_count; i++)
        if (k->node[owner].field[i].kind == REFERENCE_NAMESPACE)
            return k->node[owner].field[i].target;
    ck_abort_msg("no dict");
    return 0;
}

void kit_global(struct kit *k, object_id module, const char *name, object_id value)
{
    kit_attribute(k, module, name, value);
}

object_id kit_instance(struct kit *k, type_id type)
{
    object_id instance = kit_object(k, type), dict = kit_builtin(k, FAMILY_DICT);
    kit_field(k, instance, REFERENCE_NAMESPACE, "__dict__", dict);
    return instance;
}

void kit_attribute(struct kit *k, object_id owner, const char *name, object_id value)
{
    object_id key = kit_str(k, name);
    kit_pair(k, kit_dict_of(k, owner), key, value);
}

object_id kit_closure(struct kit *k, const char *name, size_t count, const char *const *names,
                      const object_id *values, bool old_style)
{
    object_id function = kit_named(k, FAMILY_FUNCTION, name), code = kit_named(k, FAMILY_CODE, name);
    object_id tuple = kit_builtin(k, FAMILY_TUPLE), variables = kit_builtin(k, FAMILY_TUPLE);
    kit_field(k, function, REFERENCE_FIELD, "__code__", code);
    kit_field(k, function, REFERENCE_FIELD, "__closure__", tuple);
    kit_field(k, code, REFERENCE_FIELD, old_style ? "co_freevars" : "co_localsplusnames", variables);
    if (!old_style) {
        object_id local = kit_str(k, "a_local");
        kit_item(k, variables, local);
    }
    for (size_t i = 0; i < count; i++) {
        object_id cell = kit_builtin(k, FAMILY_CELL), variable = kit_str(k, names[i]);
        kit_field(k, cell, REFERENCE_CELL, "cell_contents", values[i]);
        kit_item(k, tuple, cell);
        kit_item(k, variables, variable);
    }
    return function;
}

static void shape_text(const struct kit_node *node, char *to, size_t size)
{
    size_t used = (size_t)snprintf(to, size, "%u/%d/", node->type, node->tail);
    for (size_t i = 0; i < node->field_count && used < size; i++)
        used += (size_t)snprintf(to + used, size - used, "%d %s\n", node->field[i].kind,
                                 node->field[i].name ? node->field[i].name : "");
    ck_assert_uint_lt(used, size);
}

static shape_id shape_of(struct kit *k, const struct kit_node *node, struct shape_key **keys, size_t *count,
                         size_t *capacity)
{
    char text[4096];
    shape_text(node, text, sizeof text);
    for (size_t i = *count; i-- > 0 && *count - i < 64;) /* the newest ones are the likely ones */
        if (!strcmp((*keys)[i].text, text))
            return (*keys)[i].shape;
    struct heap_field *field = calloc(node->field_count + 1, sizeof *field);
    for (size_t i = 0; i < node->field_count; i++)
        field[i] = (struct heap_field){.kind = (uint8_t)node->field[i].kind,
                                       .name = intern(k, node->field[i].name),
                                       .number = node->field[i].name ? 0 : 16 + 8 * (int64_t)i};
    shape_id shape = heap_builder_shape(k->builder,
                                        &(struct heap_shape){.type = node->type,
                                                             .field_count = (uint32_t)node->field_count,
                                                             .tail = (uint8_t)node->tail,
                                                             .base_size = 48},
                                        field, &k->err);
    ck_assert_ok(shape, &k->err);
    free(field);
    *keys = room(*keys, capacity, *count + 1, sizeof **keys);
    (*keys)[(*count)++] = (struct shape_key){strdup(text), shape};
    return shape;
}

struct heap *kit_finish(struct kit *k)
{
    struct shape_key *keys = NULL;
    size_t key_count = 0, key_capacity = 0;
    for (size_t t = 1; t < k->type_count; t++)
        ck_assert_ok(heap_builder_type(k->builder, &k->types[t], NULL, &k->err), &k->err);
    for (size_t i = 1; i < k->count; i++) {
        struct kit_node *node = &k->node[i];
        shape_id shape = shape_of(k, node, &keys, &key_count, &key_capacity);
        ck_assert_uint_eq(heap_builder_object(k->builder, node->address, shape, &node->detail, &k->err), i);
        for (size_t f = 0; f < node->field_count; f++) {
            ck_assert_ok(heap_builder_edge(k->builder, node->field[f].target, &k->err), &k->err);
            free((char *)node->field[f].name);
        }
        for (size_t t = 0; t < node->item_count; t++)
            ck_assert_ok(heap_builder_edge(k->builder, node->item[t], &k->err), &k->err);
        if (node->preview)
            ck_assert_ok(heap_builder_preview(k->builder, (object_id)i, node->preview, node->full_length,
                                              node->text, (uint32_t)node->text_length, &k->err),
                         &k->err);
        free(node->field);
        free(node->item);
        free(node->text);
    }
    for (size_t r = 0; r < k->root_count; r++)
        ck_assert_ok(heap_builder_root(k->builder, &k->roots[r], &k->err), &k->err);
    for (size_t i = 0; i < key_count; i++)
        free(keys[i].text);
    free(keys);
    struct heap *heap = heap_builder_freeze(k->builder, &k->err);
    ck_assert_ok(heap, &k->err);
    free(k->node);
    free(k->types);
    free(k->roots);
    free(k);
    return heap;
}
