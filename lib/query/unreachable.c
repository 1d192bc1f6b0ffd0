#include "lib/query/unreachable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes_text.h"
#include "lib/graph/shape_traits.h"
#include "lib/query/unreachable_search.h"

static int largest_type_first(const void *a, const void *b)
{
    const struct unreachable_type *x = a, *y = b;
    if (x->shallow != y->shallow)
        return x->shallow > y->shallow ? -1 : 1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return strcmp(x->type, y->type);
}

static int types_by_name(const void *a, const void *b)
{
    return strcmp(((const struct unreachable_type *)a)->type, ((const struct unreachable_type *)b)->type);
}

/* Types of one name are one row. */
static void merge_types(struct unreachable *ret, size_t count)
{
    qsort(ret->rows, count, sizeof *ret->rows, types_by_name);
    for (size_t i = 0; i < count; i++) {
        struct unreachable_type row = ret->rows[i];
        if (!row.count)
            continue;
        if (ret->row_count && !strcmp(ret->rows[ret->row_count - 1].type, row.type)) {
            ret->rows[ret->row_count - 1].count += row.count;
            ret->rows[ret->row_count - 1].shallow += row.shallow;
        } else {
            ret->rows[ret->row_count++] = row;
        }
    }
    qsort(ret->rows, ret->row_count, sizeof *ret->rows, largest_type_first);
}

static bool count_types(struct unreachable_search *m, struct error *err)
{
    const struct heap *heap = m->heap;
    struct unreachable *ret = m->ret;
    ret->rows = arena_take(&ret->arena, (size_t)heap->type_count + 1, sizeof *ret->rows, err);
    if (!ret->rows)
        return false;
    for (type_id t = 0; t <= heap->type_count; t++)
        ret->rows[t] = (struct unreachable_type){
            .type = t ? heap_string(heap, heap->types[t].name, NULL) : "",
            .native = t && heap->types[t].family == FAMILY_NATIVE,
            .label = t ? (enum type_label)heap->types[t].label : LABEL_RUNTIME,
        };
    for (object_id id = 1; id <= heap->object_count; id++) {
        uint64_t size = view_size(m->view, id);
        ret->heap.objects++;
        ret->heap.bytes += size;
        struct unreachable_sum *sum = object_set_has(&m->fates.saved, id) ? &ret->saved : &ret->all;
        if (object_set_has(&m->fates.reached, id))
            continue;
        sum->objects++;
        sum->bytes += size;
        if (sum == &ret->saved)
            continue;
        ret->rows[heap_type_of(heap, id)].count++;
        ret->rows[heap_type_of(heap, id)].shallow += size;
    }
    merge_types(ret, (size_t)heap->type_count + 1);
    return true;
}

static bool prepare(struct unreachable_search *m, struct error *err)
{
    if (!view_details(m->view, err) || !fates_find(m->heap, &m->fates, err) || !count_types(m, err))
        return false;
    if (!object_set_create(&m->outside, m->heap, err) || !object_set_create(&m->held, m->heap, err) ||
        !object_set_create(&m->owned, m->heap, err))
        return false;
    for (size_t word = 0; word <= m->outside.limit >> 6; word++)
        m->outside.bits[word] = m->fates.reached.bits[word] | m->fates.saved.bits[word];
    m->reader = (struct cycle_reader){m->view, m->heap, view_transparent(m->view, err)};
    return m->reader.parts && (m->traits = shape_traits(m->heap, err)) &&
           components_find(m->heap, &m->outside, &m->components, err) &&
           cycle_search_begin(&m->search, m->heap, &m->components, err) &&
           (m->finalizers = finalizers_of_types(m->view, err)) && (m->noises = noises_create(m->view, err));
}

static void sum_up(struct unreachable *ret)
{
    for (size_t h = 0; h < ret->head_count; h++) {
        const struct unreachable_head *head = &ret->heads[h];
        ret->by_why[head->why].objects += head->holds.objects;
        ret->by_why[head->why].bytes += head->holds.bytes;
        if (head->why == UNREACHABLE_CYCLE &&
            (cycle_marks_uncollectable(&head->marks) || head->marks.frozen)) {
            ret->stuck.objects += head->holds.objects;
            ret->stuck.bytes += head->holds.bytes;
        }
        if (head->why == UNREACHABLE_NOISE) {
            ret->noise[head->noise].objects += head->holds.objects;
            ret->noise[head->noise].bytes += head->holds.bytes;
        }
    }
}

static uint64_t amount(const struct heap *heap, const char *fact)
{
    const struct heap_fact *f = heap_fact(heap, fact);
    return f && f->type == HEAP_FACT_U64 ? f->u64 : 0;
}

/* A word in what is not here may lead to what nothing else leads to. */
static void write_doubt(struct unreachable *ret, const struct heap *heap)
{
    const struct heap_fact *whole = heap_fact(heap, "complete"),
                           *allocator = heap_fact(heap, "native.allocator");
    uint64_t missing = amount(heap, "core.cut") + amount(heap, "core.left_out");
    char bytes[BYTES_TEXT];
    if (missing)
        snprintf(ret->doubt, sizeof ret->doubt, "memory that is not here (%s)", bytes_text(missing, bytes));
    else if (allocator && allocator->type == HEAP_FACT_TEXT && strcmp(allocator->text, "glibc") != 0)
        snprintf(ret->doubt, sizeof ret->doubt, "blocks that are not walked (%.60s's)", allocator->text);
    else if (ret->has_blocks && whole && whole->type == HEAP_FACT_U64 && !whole->u64)
        snprintf(ret->doubt, sizeof ret->doubt, "what was not captured");
}

bool unreachable_find(struct unreachable *ret, struct view *view, uint64_t limit, struct error *err)
{
    struct unreachable_search m = {.ret = ret, .view = view, .heap = view_heap(view)};
    *ret = (struct unreachable){.has_blocks = (heap_contents(m.heap) & HEAP_HAS_BLOCKS) != 0};
    write_doubt(ret, m.heap);
    m.mixed = heap_contents(m.heap) == HEAP_IS_MIXED;
    bool ok = prepare(&m, err) && unreachable_heads(&m, err) && unreachable_groups(&m, limit, err);
    if (ok)
        sum_up(ret);
    fates_free(&m.fates);
    object_set_free(&m.outside);
    object_set_free(&m.held);
    object_set_free(&m.owned);
    components_free(&m.components);
    cycle_search_end(&m.search);
    noises_destroy(m.noises);
    free(m.traits);
    free(m.finalizers);
    free(m.queue);
    free(m.head_of);
    free(m.named);
    free(m.slot);
    free(m.key);
    if (!ok)
        unreachable_free(ret);
    return ok;
}

void unreachable_free(struct unreachable *unreachable)
{
    free(unreachable->heads);
    free(unreachable->groups);
    arena_free(&unreachable->arena);
    *unreachable = (struct unreachable){0};
}
