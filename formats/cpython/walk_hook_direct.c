/* What is not of the program: the hook's own objects, and the call that asks for the snapshot.
 *
 * Someone who asks, from inside, what holds an object holds it too: on the expression stack of the caller, in
 * the tuple of arguments, in a list of targets. None of that may be in the answer, neither as a holder nor as
 * an unexplained reference. So these objects are left out, and what they hold counts one reference less, in
 * this copy of the process.
 */
#include "formats/cpython/walk.h"

static void exclude(struct walk *w, uint64_t object)
{
    if (mem_plausible(object))
        *address_map_slot(&w->map, object) = ADDRESS_MAP_EXCLUDED;
}

/* The items of a list of weak references, and their targets that are alive. Calls `each` for all. */
static void answers_each(struct walk *w, void (*each)(struct walk *w, uint64_t object))
{
    uint64_t list = w->request->answers;
    uint64_t count = list == 0 ? 0 : mem_u64(list + OB_SIZE),
             items = list == 0 ? 0 : mem_u64(list + LIST_ITEMS);
    for (uint64_t i = 0; i < count && mem_plausible(items); i++) {
        uint64_t weak = mem_u64(items + 8 * i);
        if (!mem_plausible(weak))
            continue;
        uint64_t target = mem_u64(weak + WEAKREF_OBJECT);
        each(w, weak);
        if (target != w->request->runtime->none)
            each(w, target);
    }
}

void walk_hook_exclude(struct walk *w)
{
    const struct capture_request *q = w->request;
    for (size_t i = 0; i < q->excluded_count; i++)
        exclude(w, q->excluded[i]);
    for (size_t i = 0; i < q->passed_count; i++)
        exclude(w, q->passed[i]);
}

static void exclude_answers(struct walk *w, void *context)
{
    (void)context;
    answers_each(w, exclude);
}

bool walk_hook_owns(const struct walk *w, uint64_t address)
{
    return mem_plausible(address) && address_map_get(&w->map, address) == ADDRESS_MAP_EXCLUDED;
}

/* Somebody else's reference to `object` does not count. */
static int discount(void *object, void *context)
{
    const struct walk *w = context;
    uint64_t *refcount = object;
    bool immortal = w->layout->minor >= 12 && (int32_t)*refcount < 0;
    if (!immortal && *refcount > 0)
        --*refcount;
    return 0;
}

static void discount_referents(struct walk *w, uint64_t object)
{
    uint64_t traverse = mem_u64(mem_u64(object + OB_TYPE) + TP_TRAVERSE);
    int (*function)(void *, int (*)(void *, void *), void *);
    memcpy(&function, &traverse, sizeof function);
    if (function != NULL)
        function((void *)(uintptr_t)object, discount, w);
}

static void discount_guarded(struct walk *w, void *context)
{
    const uint64_t *object = context;
    discount_referents(w, *object);
}

static bool is_among(const uint64_t *objects, size_t count, uint64_t object)
{
    for (size_t i = 0; i < count; i++)
        if (objects[i] == object)
            return true;
    return false;
}

/* Several calls may have been passed the same. */
static void discount_all(struct walk *w)
{
    const struct capture_request *q = w->request;
    for (size_t i = 0; i < q->excluded_count + q->passed_count; i++) {
        bool passed = i >= q->excluded_count;
        size_t at = passed ? i - q->excluded_count : i;
        uint64_t object = passed ? q->passed[at] : q->excluded[at];
        if (!mem_plausible(object) ||
            (passed && (is_among(q->excluded, q->excluded_count, object) || is_among(q->passed, at, object))))
            continue;
        walk_guarded(w, discount_guarded, &object);
    }
}

static void discount_answers(struct walk *w, void *context)
{
    (void)context;
    answers_each(w, discount_referents);
}

void walk_hook_discount(struct walk *w)
{
    const struct capture_request *q = w->request;
    walk_guarded(w, exclude_answers, NULL);
    if (q->in_process) /* these are the program's own counts */
        return;
    discount_all(w);
    walk_guarded(w, discount_answers, NULL);
}

const struct capture_call *walk_hook_call_of(const struct walk *w, uint64_t thread)
{
    for (size_t i = 0; i < w->request->call_count; i++)
        if (w->request->calls[i].thread == thread)
            return &w->request->calls[i];
    return NULL;
}

struct call_slots {
    const struct capture_call *call;
    uint64_t first, end; /* addresses of the slots above the function */
    bool matches;
};

static uint64_t used_slots(struct walk *w, uint64_t mapping)
{
    return mem_plausible(mapping) && mem_u64(mapping + OB_TYPE) == w->dict_type ? mem_u64(mapping + DICT_USED)
                                                                                : 0;
}

/* The slots of the call under way own references to what was passed. Slots that hold something else are left
 * from another call: then this one came from C, and has none. */
static void discount_slots(struct walk *w, void *context)
{
    struct call_slots *s = context;
    const struct capture_call *call = s->call;
    bool in_process = w->request->in_process; /* these are the program's own counts */
    uint64_t at = s->first, raw = at < s->end ? mem_u64(at) : 0;
    if (raw == 0) /* 3.13: the place of `self` */
        at += 8;
    if (at > s->end)
        return;
    if (at < s->end && walk_local(w, at) == call->arguments) { /* f(*arguments, **keywords) */
        s->matches = true;
        if (in_process)
            return;
        discount((void *)(uintptr_t)call->arguments, w);
        if (call->keywords != 0 && at + 8 < s->end && walk_local(w, at + 8) == call->keywords)
            discount((void *)(uintptr_t)call->keywords, w);
        return;
    }
    uint64_t count = mem_u64(call->arguments + OB_SIZE), named = used_slots(w, call->keywords);
    if (count > (s->end - at) / 8 || named > (s->end - at) / 8 - count)
        return;
    for (uint64_t i = 0; i < count; i++)
        if (walk_local(w, at + 8 * i) != mem_u64(call->arguments + w->layout->tuple_items + 8 * i))
            return;
    s->matches = true;
    for (uint64_t i = 0; i < count + named && !in_process; i++, at += 8) {
        /* 3.14: the low bit marks a reference that is borrowed */
        bool owned = w->layout->minor < 14 || (mem_u64(at) & 1) == 0;
        if (owned && mem_plausible(walk_local(w, at)))
            discount((void *)(uintptr_t)walk_local(w, at), w);
    }
}

bool walk_hook_call(struct walk *w, const struct walk_frame *f, uint32_t i, const struct capture_call *call)
{
    const struct capture_request *q = w->request;
    uint64_t word = walk_local(w, f->stack + 8 * (uint64_t)i);
    if (word == 0 || !walk_hook_owns(w, word))
        return false;
    for (size_t k = 0; k < q->function_count; k++) {
        if (q->functions[k] != word)
            continue;
        struct call_slots s = {call, f->stack + 8 * ((uint64_t)i + 1),
                               f->stack + 8 * (uint64_t)f->stack_count, false};
        if (call != NULL)
            walk_guarded(w, discount_slots, &s);
        return s.matches;
    }
    return false;
}
