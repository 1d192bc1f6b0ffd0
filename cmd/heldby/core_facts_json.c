/* The JSON half of core_facts.h. */
#include "cmd/heldby/core_facts.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/facts.h"

/* Addresses are in hex, with or without 0x. */
static uint64_t hex(const char *text)
{
    return strtoull(text, NULL, 16);
}

static void json_fact(struct json *j, const struct heap *heap, const char *fact, const char *key)
{
    uint64_t value;
    if (fact_u64(heap, fact, &value))
        json_u64(j, key, value);
    else
        json_null(j, key);
}

static void json_signal(struct json *j, const struct heap *heap)
{
    uint64_t number = 0, overflow = 0, address;
    char text[40];
    if (!fact_u64(heap, "signal", &number) || number == 0) {
        json_null(j, "signal");
        return;
    }
    json_begin_object(j, "signal");
    json_u64(j, "number", number);
    json_text(j, "name", signal_name((int)number, text, sizeof text));
    json_fact(j, heap, "signal_code", "code");
    if (signal_address(heap, &address))
        json_address(j, "address", address);
    else
        json_null(j, "address");
    json_bool(j, "stack_overflow", fact_u64(heap, "stack_overflow", &overflow) && overflow);
    json_end_object(j);
}

static void json_module(void *context, const char *text)
{
    struct json *j = context;
    struct record r;
    record_read(&r, text);
    json_begin_object(j, NULL);
    json_text(j, "path", r.field[MODULE_PATH]);
    json_address(j, "start", hex(r.field[MODULE_START]));
    json_address(j, "end", hex(r.field[MODULE_END]));
    json_text(j, "build_id", *r.field[MODULE_BUILD_ID] ? r.field[MODULE_BUILD_ID] : NULL);
    json_text(j, "verdict", r.field[MODULE_VERDICT]);
    json_text(j, "file", *r.field[MODULE_FILE] ? r.field[MODULE_FILE] : NULL);
    json_end_object(j);
}

static void json_number(struct json *j, const char *key, const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*text && !*end)
        json_u64(j, key, value);
    else
        json_null(j, key);
}

static void json_check(void *context, const char *text)
{
    struct json *j = context;
    struct record r;
    record_read(&r, text);
    json_begin_object(j, NULL);
    json_text(j, "name", r.field[CHECK_NAME]);
    json_number(j, "expected", r.field[CHECK_EXPECTED]);
    json_number(j, "found", r.field[CHECK_FOUND]);
    json_text(j, "verdict", r.field[CHECK_VERDICT]);
    json_end_object(j);
}

static void json_line(void *context, const char *text)
{
    json_text(context, NULL, text);
}

static void json_frame(struct json *j, const struct heap *heap, const struct heap_frame *f)
{
    json_begin_object(j, NULL);
    json_text(j, "function", f->function ? heap_string(heap, f->function, NULL) : NULL);
    json_text(j, "module", f->module ? heap_string(heap, f->module, NULL) : NULL);
    json_text(j, "file", f->file ? heap_string(heap, f->file, NULL) : NULL);
    if (f->line)
        json_u64(j, "line", f->line);
    else
        json_null(j, "line");
    json_u64(j, "depth", f->depth);
    json_end_object(j);
}

static void json_frames(struct json *j, const char *key, const struct heap *heap, const uint32_t *next,
                        uint32_t frame)
{
    json_begin_array(j, key);
    for (; frame; frame = next[frame])
        json_frame(j, heap, &heap->frames[frame]);
    json_end_array(j);
}

static bool json_threads(struct json *j, const struct heap *heap, struct error *err)
{
    struct core_threads threads;
    if (!core_threads_init(&threads, heap, err))
        return false;
    json_begin_array(j, "threads");
    for (size_t t = 0; t < threads.count; t++) {
        const struct core_thread *thread = &threads.items[t];
        json_begin_object(j, NULL);
        if (thread->native)
            json_u64(j, "tid", thread->native);
        else
            json_null(j, "tid");
        json_text(j, "name", thread->name ? heap_string(heap, thread->name, NULL) : NULL);
        json_bool(j, "died", t == 0 && threads.died);
        json_frames(j, "frames", heap, threads.next, thread->native_frame);
        json_frames(j, "python_frames", heap, threads.next, thread->python_frame);
        json_end_object(j);
    }
    json_end_array(j);
    core_threads_free(&threads);
    return true;
}

bool core_facts_json(struct json *j, const struct heap *heap, struct error *err)
{
    uint64_t value;
    json_signal(j, heap);
    if (!json_threads(j, heap, err))
        return false;
    json_text(j, "allocator", fact_text(heap, "native.allocator"));
    json_begin_array(j, "modules");
    each_fact_item(heap, "modules", json_module, j);
    json_end_array(j);
    json_begin_object(j, "missing");
    for (size_t i = 0; i < MISSING_ROWS; i++)
        json_fact(j, heap, missing_rows[i].fact, missing_rows[i].key);
    json_text(j, "limits", fact_text(heap, "limits"));
    json_end_object(j);
    json_begin_array(j, "advice");
    each_fact_item(heap, "core.advice", json_line, j);
    json_end_array(j);
    json_begin_array(j, "checks");
    each_fact_item(heap, "checks", json_check, j);
    json_end_array(j);
    json_begin_object(j, "memory");
    for (size_t i = 0; i < MEMORY_ROWS; i++) {
        if (fact_u64(heap, memory_rows[i].fact, &value))
            json_u64(j, memory_rows[i].fact + strlen("memory."), value);
    }
    json_fact(j, heap, "rss", "total");
    json_end_object(j);
    return true;
}
