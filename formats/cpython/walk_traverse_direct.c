/* Calls tp_traverse and finds what it reports again among the object's own words. */
#include "formats/cpython/walk.h"

/* The visitproc given to tp_traverse. */
static int visit_referent(void *referent, void *context)
{
    struct walk *w = context;
    struct walk_traverse *v = &w->traverse;
    uint64_t address = (uint64_t)(uintptr_t)referent;
    if (address == v->skip_type) {
        v->skip_type = 0;
        return 0;
    }
    if (v->spilled) {
        walk_tail(w, address);
        return 0;
    }
    for (uint32_t i = 0; i < v->known; i++) {
        if (w->gathered.targets[i] == address && !(v->known_used[i / 64] >> i % 64 & 1)) {
            v->known_used[i / 64] |= UINT64_C(1) << i % 64;
            return 0;
        }
    }
    for (uint32_t i = 0; i < v->word_count; i++) {
        if (v->words[i] == address) {
            v->words[i] = 0;
            walk_field_at(w, v->type, v->first_word + 8 * i, address, CERTAINTY_EXACT);
            if (w->gathered.count == WALK_MAX_FIELDS)
                walk_spill(w);
            return 0;
        }
    }
    if (v->only_words)
        return 0;
    walk_tail(w, address);
    return 0;
}

void walk_reported(struct walk *w, struct walk_type *t, uint64_t object)
{
    struct walk_traverse *v = &w->traverse;
    bool container = t->container != VISIT_LEAF;
    v->type = t;
    v->object = object;
    v->skip_type = t->flags & TPFLAG_HEAPTYPE && !t->python ? t->address : 0;
    bool lru = t->family ==
               FAMILY_LRU_CACHE; /* begins with the root of its list of links, whose content is its tail */
    v->only_words = container || lru;
    walk_words(w, t, object, container ? t->container_size : lru ? WALK_LRU_ROOT : 16);
    if (container && (v->word_count == 0 || t->traverse == t->container_traverse))
        return; /* nothing beyond the container, or nothing that is reported */
    int (*traverse)(void *, int (*)(void *, void *), void *);
    memcpy(&traverse, &t->traverse,
           sizeof(traverse)); /* function pointers do not convert from integers in ISO C */
    traverse((void *)(uintptr_t)object, visit_referent, w);
    walk_declared(w, t);
}

/* Words that are the address of an object already met. */
void walk_known_words(struct walk *w, struct walk_type *t)
{
    struct walk_traverse *v = &w->traverse;
    for (uint32_t i = 0; i < v->word_count; i++) {
        uint32_t id = mem_plausible(v->words[i]) ? address_map_get(&w->map, v->words[i]) : 0;
        if (id != 0 && id != ADDRESS_MAP_EXCLUDED && id <= w->count &&
            walk_address(walk_entry(w, id)) == v->words[i])
            walk_field_at(w, t, v->first_word + 8 * i, v->words[i], CERTAINTY_UNCERTAIN);
    }
}
