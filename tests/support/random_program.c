#include "tests/support/random_program.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/heap_kit.h"

static uint64_t state;

void random_begin(uint64_t seed)
{
    state = seed;
}

uint32_t random_pick(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

static object_id odd_key(struct kit *k, unsigned number)
{
    static const char *const texts[] = {"k%u",      "it's %u", "two\nlines %u", "a.b[%u]", "]['%u",  "…%u",
                                        "größe %u", "\\%u\\",  "\"%u'",         " %u ",    "\x01%u", "{*}%u"};
    char text[64];
    uint32_t sort = random_pick(16);
    if (sort == 15) {
        object_id tuple = kit_builtin(k, FAMILY_TUPLE), inner = kit_int(k, (long)number),
                  name = kit_str(k, "x, y");
        kit_item(k, tuple, inner);
        kit_item(k, tuple, name);
        return tuple;
    }
    if (sort >= 12)
        return sort == 12 ? kit_object(k, 1) : kit_int(k, (long)number);
    snprintf(text, sizeof text, texts[sort], number); /* every key of a heap has a number of its own */
    return kit_str(k, text);
}

/* A program: modules, classes, instances, containers, closures, caches, generators, running frames, garbage.
 */
struct heap *random_program(uint64_t seed, bool unique)
{
    random_begin(seed * 7919 + 13);
    struct kit *k = kit_create();
    type_id node = kit_type(k, "app.Node", "app", FAMILY_OTHER);
    uint32_t count = 20 + random_pick(150), number = 0;
    object_id *ids = calloc(count, sizeof *ids);
    uint32_t thread = kit_thread(k, "MainThread", 1);
    char name[32];
    for (uint32_t i = 0; i < count; i++) {
        switch (random_pick(12)) {
        case 0:
            snprintf(name, sizeof name, random_pick(3) ? "module%u" : "pkg.module%u", i);
            ids[i] = kit_module(k, name);
            break;
        case 1:
            ids[i] = kit_builtin(k, FAMILY_LIST);
            break;
        case 2:
            ids[i] = kit_builtin(k, FAMILY_DICT);
            break;
        case 3:
            ids[i] = kit_builtin(k, FAMILY_SET);
            break;
        case 4:
            ids[i] = kit_builtin(k, FAMILY_TUPLE);
            break;
        case 5:
            ids[i] = kit_builtin(k, FAMILY_GENERATOR);
            break;
        case 6:
            ids[i] = kit_str(k, "some text");
            break;
        case 7:
            ids[i] = kit_object(k, node);
            break;
        case 8:
            ids[i] = kit_builtin(k, FAMILY_LRU_CACHE);
            break;
        default:
            ids[i] = kit_instance(k, node);
        }
    }
    object_id last = kit_count(k);
    bool *full = calloc(last + 1, 1);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t e = random_pick(4); e > 0; e--) {
            object_id source = ids[i], target = ids[random_pick(count)];
            enum family family = kit_family(k, source);
            number++;
            if (family == FAMILY_LIST || family == FAMILY_TUPLE)
                kit_item(k, source, target);
            else if (family == FAMILY_DICT) {
                object_id key = odd_key(k, number);
                kit_pair(k, source, key, target);
            } else if (family == FAMILY_SET) {
                if (!unique || !full[source])
                    kit_member(k, source, target);
                full[source] = true;
            } else if (family == FAMILY_GENERATOR) {
                snprintf(name, sizeof name, "local%u", number);
                kit_field(k, source, REFERENCE_LOCAL, name, target);
            } else if (family == FAMILY_LRU_CACHE) {
                if (full[source])
                    continue;
                full[source] = true;
                object_id dict = kit_builtin(k, FAMILY_DICT), key = odd_key(k, number);
                kit_field(k, source, REFERENCE_CACHE, "<cache>", dict);
                kit_pair(k, dict, key, target);
            } else if (family == FAMILY_STR)
                continue;
            else if (kit_has_dict(k, source)) {
                snprintf(name, sizeof name, random_pick(5) ? "attr%u" : "odd name %u", number);
                kit_attribute(k, source, name, target);
            } else {
                snprintf(name, sizeof name, "slot%u", number);
                kit_field(k, source, random_pick(6) ? REFERENCE_SLOT : REFERENCE_WEAK, name, target);
            }
        }
    for (uint32_t f = 0; f < 3; f++) {
        snprintf(name, sizeof name, "function%u", f);
        uint32_t frame = kit_frame(k, thread, "app", name, f, 0);
        kit_local(k, frame, "x", ids[random_pick(count)]);
        const char *names[] = {"cv"};
        object_id closure = kit_closure(k, name, 1, names, &ids[random_pick(count)], f & 1);
        kit_local(k, frame, "fn", closure);
    }
    for (object_id id = 1; id <= kit_count(k); id++)
        kit_detail(k, id, 16 + 16 * random_pick(40), 1 + random_pick(3), random_pick(2) ? OBJECT_TRACKED : 0);
    free(ids);
    free(full);
    return kit_finish(k);
}
