#include "cmd/heldby/facts.h"

#include <string.h>

#include "cmd/heldby/core_facts.h"
#include "cmd/heldby/text.h"

const char *fact_text(const struct heap *heap, const char *key)
{
    const struct heap_fact *fact = heap_fact(heap, key);
    return fact && fact->type == HEAP_FACT_TEXT && *fact->text ? fact->text : NULL;
}

bool fact_u64(const struct heap *heap, const char *key, uint64_t *ret)
{
    const struct heap_fact *fact = heap_fact(heap, key);
    if (!fact || fact->type != HEAP_FACT_U64)
        return false;
    *ret = fact->u64;
    return true;
}

bool fact_f64(const struct heap *heap, const char *key, double *ret)
{
    const struct heap_fact *fact = heap_fact(heap, key);
    if (!fact || fact->type != HEAP_FACT_F64)
        return false;
    *ret = fact->f64;
    return true;
}

size_t version_length(const char *version)
{
    return version ? strcspn(version, " ") : 0;
}

static void json_seconds(struct json *j, const struct heap *heap, const char *fact, const char *key)
{
    double seconds;
    if (fact_f64(heap, fact, &seconds))
        json_double(j, key, seconds);
    else
        json_null(j, key);
}

static void json_time(struct json *j, const struct heap *heap, const char *fact, const char *key)
{
    double seconds;
    char text[64];
    if (fact_f64(heap, fact, &seconds) && seconds > 0)
        json_text(j, key, text_time(seconds, false, text, sizeof text));
    else
        json_null(j, key);
}

static void json_count(struct json *j, const struct heap *heap, const char *fact, const char *key)
{
    uint64_t value;
    if (fact_u64(heap, fact, &value))
        json_u64(j, key, value);
    else
        json_null(j, key);
}

static void json_flag(struct json *j, const struct heap *heap, const char *fact, const char *key)
{
    uint64_t value = 0;
    fact_u64(heap, fact, &value);
    json_bool(j, key, value != 0);
}

bool info_json(struct json *j, const struct heap *heap, const struct info *info, struct error *err)
{
    const char *version = fact_text(heap, "runtime_version");
    json_text(j, "kind", heap_is_of_core(heap) ? "core" : "snapshot");
    json_begin_object(j, "runtime");
    json_text(j, "name", fact_text(heap, "runtime"));
    json_text_n(j, "version", version ? version : "", version_length(version));
    json_text(j, "build", version);
    json_end_object(j);
    json_count(j, heap, "pid", "pid");
    json_text(j, "executable", fact_text(heap, "executable"));
    json_begin_array(j, "command");
    const struct heap_fact *command = heap_fact(heap, "command");
    if (command && command->type == HEAP_FACT_LIST) {
        for (uint32_t at = 0; at < command->length; at += (uint32_t)strlen(command->text + at) + 1)
            json_text(j, NULL, command->text + at);
    }
    json_end_array(j);
    json_text(j, "directory", fact_text(heap, "directory"));
    json_text(j, "host", fact_text(heap, "host"));
    json_text(j, "user", fact_text(heap, "user"));
    json_time(j, heap, "start_time", "start_time");
    json_time(j, heap, "capture_time", "time");
    json_text(j, "trigger", fact_text(heap, "trigger"));
    json_text(j, "mode", fact_text(heap, "mode"));
    json_flag(j, heap, "without_gil", "without_gil");
    json_flag(j, heap, "gc.collecting", "gc_collecting");
    json_count(j, heap, "values", "values");
    json_seconds(j, heap, "pause_seconds", "pause_seconds");
    json_seconds(j, heap, "walk_seconds", "walk_seconds");
    json_seconds(j, heap, "walk_cpu_seconds", "walk_cpu_seconds");
    json_count(j, heap, "child_memory", "child_memory");
    json_begin_object(j, "counts");
    json_u64(j, "objects", info->objects);
    json_u64(j, "edges", info->edges);
    json_u64(j, "roots", info->roots);
    json_u64(j, "types", info->types);
    json_u64(j, "unreachable", info->unreachable);
    json_u64(j, "tracked", info->tracked);
    json_u64(j, "immortal", info->immortal);
    json_u64(j, "partial", info->partial);
    json_u64(j, "objects_lost", heap->objects_lost);
    json_u64(j, "edges_lost", heap->edges_lost);
    json_end_object(j);
    json_begin_object(j, "bytes");
    json_u64(j, "shallow", info->shallow);
    json_u64(j, "unreachable", info->unreachable_bytes);
    json_count(j, heap, "rss", "rss");
    for (uint32_t i = 0; i < heap->fact_count; i++) {
        const struct heap_fact *fact = &heap->facts[i];
        if (strncmp(fact->key, "smaps.", 6) != 0 || fact->type != HEAP_FACT_U64)
            continue;
        char key[80] = "smaps_";
        size_t at = 6;
        for (const char *c = fact->key + 6; *c && at + 1 < sizeof key; c++)
            key[at++] = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
        key[at] = 0;
        json_u64(j, key, fact->u64);
    }
    json_end_object(j);
    return (!heap_is_of_core(heap) && !heap_is_live_copy(heap)) || core_facts_json(j, heap, err);
}
