#include "lib/query/referrer_labels.h"

#include <stdlib.h>
#include <string.h>

#include "lib/graph/shape_traits.h"
#include "lib/query/fold.h"
#include "lib/query/spelling.h"

enum { FIRST_MEMOS = 1024 };

/* What decides how a reference is spelled; spelling it costs more than all else here. */
struct label_memo {
    uint32_t label; /* 0: empty */
    uint32_t scope; /* type of the holder, or a module's object */
    bool module, part;
    uint8_t kind;
    string_id name;
    object_id key;
    int64_t number;
};

static bool find_owners(struct referrer_labels *l, struct error *err)
{
    const struct heap *heap = view_heap(l->view);
    uint8_t *traits = shape_traits(heap, err);
    if (!traits)
        return false;
    for (object_id id = 1; id <= heap->object_count; id++) {
        if (!(traits[heap->shape[id]] & SHAPE_HAS_PART))
            continue;
        const struct heap_shape *shape = &heap->shapes[heap->shape[id]];
        uint64_t start = csr_start(&heap->edges, id), length = csr_end(&heap->edges, id) - start;
        for (uint32_t f = 0; f < shape->field_count && f < length; f++) {
            object_id part = heap->edges.item[start + f];
            if (part && part != id && reference_kind_is_part(heap->fields[shape->field_start + f].kind) &&
                !l->owner[part])
                l->owner[part] = id;
        }
    }
    free(traits);
    return true;
}

bool referrer_labels_create(struct referrer_labels *ret, struct view *view, enum referrer_naming naming,
                            struct error *err)
{
    const struct heap *heap = view_heap(view);
    *ret = (struct referrer_labels){.view = view, .naming = naming};
    ret->owner = calloc((size_t)heap->object_count + 1, sizeof *ret->owner);
    ret->plain = calloc((size_t)heap->type_count + 1, sizeof *ret->plain);
    ret->own = calloc((size_t)heap->type_count + 1, sizeof *ret->own);
    bool ok = (ret->owner && ret->plain && ret->own) || error_no_memory(err);
    ok = ok && find_owners(ret, err);
    if (!ok)
        referrer_labels_free(ret);
    return ok;
}

void referrer_labels_free(struct referrer_labels *labels)
{
    free(labels->owner);
    free(labels->plain);
    free(labels->own);
    free(labels->memo);
    name_table_free(&labels->texts);
    *labels = (struct referrer_labels){0};
}

static uint32_t label_of_buffer(struct referrer_labels *l, const struct text_buffer *text, struct error *err)
{
    if (text->failed) {
        error_no_memory(err);
        return 0;
    }
    uint32_t row = name_table_row(&l->texts, text_buffer_text(text), text->length, err);
    return row == UINT32_MAX ? 0 : row + 1;
}

uint32_t referrer_label_text(struct referrer_labels *labels, const char *text, struct error *err)
{
    uint32_t row = name_table_row(&labels->texts, text, strlen(text), err);
    return row == UINT32_MAX ? 0 : row + 1;
}

static uint32_t type_label(struct referrer_labels *l, type_id type, bool own, struct error *err)
{
    uint32_t *known = own ? &l->own[type] : &l->plain[type];
    if (!*known) {
        const struct heap *heap = view_heap(l->view);
        struct text_buffer text = {0};
        text_buffer_add(&text, own ? "dict of " : "");
        text_buffer_add(&text, heap_string(heap, heap->types[type].name, NULL));
        *known = label_of_buffer(l, &text, err);
        text_buffer_free(&text);
    }
    return *known;
}

static bool label_types(struct referrer_labels *l, object_id source, uint32_t *label, struct error *err)
{
    const struct heap *heap = view_heap(l->view);
    const struct heap_shape *shape = &heap->shapes[heap->shape[source]];
    object_id owner = l->owner[source];
    type_id type = heap_type_of(heap, owner ? owner : source);
    uint64_t start = csr_start(&heap->edges, source), length = csr_end(&heap->edges, source) - start;
    uint32_t plain = type_label(l, type, owner && heap_family(heap, source) == FAMILY_DICT, err);
    if (!plain)
        return false;
    for (uint64_t i = 0; i < length; i++) {
        uint8_t kind = i < shape->field_count ? heap->fields[shape->field_start + i].kind : REFERENCE_NONE;
        if (!heap->edges.item[start + i] || reference_kind_is_loose(kind))
            label[i] = 0;
        else if (kind != REFERENCE_ATTRIBUTE || owner)
            label[i] = plain;
        else if (!(label[i] = type_label(l, type, true, err)))
            return false;
    }
    return true;
}

static size_t memo_slot(const struct referrer_labels *l, const struct label_memo *m)
{
    uint64_t hash = ((uint64_t)m->scope << 32 | m->name) * 0x9e3779b97f4a7c15u;
    hash ^= ((uint64_t)m->key << 16 ^ (uint64_t)m->number << 8 ^ m->kind ^ (m->part ? 64u : 0)) *
            0xff51afd7ed558ccdu;
    size_t at = (hash ^ hash >> 29) & l->memo_mask;
    for (; l->memo[at].label; at = (at + 1) & l->memo_mask) {
        const struct label_memo *o = &l->memo[at];
        if (o->scope == m->scope && o->module == m->module && o->part == m->part && o->kind == m->kind &&
            o->name == m->name && o->key == m->key && o->number == m->number)
            break;
    }
    return at;
}

static bool memo_grow(struct referrer_labels *l, struct error *err)
{
    size_t size = l->memo ? (l->memo_mask + 1) * 2 : FIRST_MEMOS, old = l->memo ? l->memo_mask + 1 : 0;
    struct label_memo *before = l->memo, *grown = calloc(size, sizeof *grown);
    if (!grown)
        return error_no_memory(err);
    l->memo = grown;
    l->memo_mask = size - 1;
    for (size_t i = 0; i < old; i++)
        if (before[i].label)
            l->memo[memo_slot(l, &before[i])] = before[i];
    free(before);
    return true;
}

/* Type and step: app.Holder.attr, list[*]; of a module its own name: app._CACHE. */
static uint32_t spell(struct referrer_labels *l, object_id owner, const struct reference *raw,
                      struct error *err)
{
    const struct heap *heap = view_heap(l->view);
    struct hold hold;
    if (!owner || !fold_part(l->view, owner, raw, &hold))
        hold = fold_none(l->view, raw);
    struct text_buffer text = {0};
    if (heap_family(heap, hold.holder) == FAMILY_MODULE)
        spelling_object(l->view, hold.holder, &text);
    else
        text_buffer_add(&text, heap_type_name(heap, hold.holder));
    spelling_pattern(l->view, &hold, &text);
    uint32_t label = label_of_buffer(l, &text, err);
    text_buffer_free(&text);
    return label;
}

static bool is_told_by_kind(enum reference_kind kind)
{
    return kind == REFERENCE_KEY || kind == REFERENCE_INDEX || kind == REFERENCE_MEMBER ||
           kind == REFERENCE_KEY_OBJECT || kind == REFERENCE_STACK;
}

static bool label_names(struct referrer_labels *l, object_id source, uint32_t *label, struct error *err)
{
    const struct heap *heap = view_heap(l->view);
    object_id owner = l->owner[source], holder = owner ? owner : source;
    bool module = heap_family(heap, holder) == FAMILY_MODULE;
    uint64_t start = csr_start(&heap->edges, source), end = csr_end(&heap->edges, source);
    for (uint64_t edge = start; edge < end; edge++) {
        struct reference raw = heap_reference(heap, source, edge);
        label[edge - start] = 0;
        if (!raw.target || reference_kind_is_loose(raw.kind))
            continue;
        struct label_memo wanted = {.scope = module ? holder : heap_type_of(heap, holder),
                                    .module = module,
                                    .part = owner != 0,
                                    .kind = (uint8_t)raw.kind,
                                    .name = raw.name};
        if (owner && raw.kind == REFERENCE_KEY)
            wanted.key = raw.key;
        else if (!is_told_by_kind(raw.kind)) {
            wanted.key = raw.key;
            wanted.number = raw.name ? 0 : raw.number;
        }
        if ((!l->memo || (l->memo_used + 1) * 2 > l->memo_mask) && !memo_grow(l, err))
            return false;
        struct label_memo *slot = &l->memo[memo_slot(l, &wanted)];
        if (!slot->label) {
            wanted.label = spell(l, owner, &raw, err);
            if (!wanted.label)
                return false;
            *slot = wanted;
            l->memo_used++;
        }
        label[edge - start] = slot->label;
    }
    return true;
}

bool referrer_labels_of(struct referrer_labels *labels, object_id source, uint32_t *label, struct error *err)
{
    return labels->naming == REFERRER_TYPES ? label_types(labels, source, label, err)
                                            : label_names(labels, source, label, err);
}
