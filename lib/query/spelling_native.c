/* How words of native memory are written that lead to an object: registers, stacks, variables, mappings. */
#include <string.h>

#include "lib/query/spelling.h"
#include "lib/query/view_private.h"

static void add_thread(const struct heap *heap, uint32_t thread, struct text_buffer *to)
{
    const struct heap_thread *t = &heap->threads[thread];
    text_buffer_format(to, "thread %llu", (unsigned long long)(t->native ? t->native : t->ident));
}

static void add_offset(const char *before, int64_t number, struct text_buffer *to)
{
    if (number < 0)
        text_buffer_format(to, "%s-0x%llx", before, (unsigned long long)-number);
    else
        text_buffer_format(to, "%s+0x%llx", before, (unsigned long long)number);
}

/* worker() (server.c:88), or where it is when no symbol names it: #2 libfoo.so */
static void add_function(const struct heap *heap, uint32_t frame, struct text_buffer *to)
{
    const struct heap_frame *f = &heap->frames[frame];
    const char *function = heap_string(heap, f->function, NULL), *module = heap_string(heap, f->module, NULL);
    size_t length = strlen(function);
    if (length)
        text_buffer_format(to, " %s%s", function, function[length - 1] == ')' ? "" : "()");
    else
        text_buffer_format(to, " #%u%s%s", f->depth, *module ? " " : "", module);
}

static void add_source(const struct heap *heap, uint32_t frame, struct text_buffer *to)
{
    const char *file = heap_string(heap, heap->frames[frame].file, NULL);
    if (!*file)
        return;
    text_buffer_format(to, " (%s", file);
    if (heap->frames[frame].line)
        text_buffer_format(to, ":%u", heap->frames[frame].line);
    text_buffer_add(to, ")");
}

/* libfoo.so: var as libfoo.so: tls var */
static void add_tls(const char *name, struct text_buffer *to)
{
    const char *variable = strstr(name, ": ");
    variable = variable ? variable + 2 : name;
    text_buffer_add_n(to, name, (size_t)(variable - name));
    if (strncmp(variable, ".t", 2) != 0) /* .tdata and .tbss say it themselves */
        text_buffer_add(to, "tls ");
    text_buffer_add(to, variable);
}

void spelling_native_root(const struct view *view, uint32_t root, bool pattern, struct text_buffer *to)
{
    const struct heap *heap = view->heap;
    const struct heap_root *r = &heap->roots[root];
    const char *name = heap_string(heap, r->name, NULL);
    bool offset = !pattern && r->number != 0;
    uint32_t thread = r->thread || !r->frame ? r->thread : heap->frames[r->frame].thread;
    switch ((enum root_kind)r->kind) {
    case ROOT_REGISTER:
        text_buffer_add(to, *name ? name : "register");
        break;
    case ROOT_NATIVE_STACK:
        add_thread(heap, thread, to);
        if (r->frame)
            add_function(heap, r->frame, to);
        else
            text_buffer_add(to, " stack");
        if (!pattern)
            add_offset(" ", r->number, to);
        if (r->frame)
            add_source(heap, r->frame, to);
        return;
    case ROOT_TLS:
        add_tls(name, to);
        if (offset)
            add_offset("", r->number, to);
        break;
    default:
        text_buffer_add(to, *name ? name : spelling_root_kind(r->kind));
        if (offset)
            add_offset("", r->number, to);
        return;
    }
    if (thread) {
        text_buffer_add(to, " of ");
        add_thread(heap, thread, to);
    }
}
