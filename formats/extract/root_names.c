/* Names of native roots: frames, symbols, sections, mappings. */
#include "formats/extract/roots.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_SIZE = 2048 };

bool root_search_init(struct root_search *s)
{
    s->frames_of = SIZE_MAX;
    s->threads = calloc(s->x->image->thread_count + 1, sizeof *s->threads);
    return s->threads != NULL ? true : error_no_memory(s->x->err);
}

static void forget_frames(struct root_search *s)
{
    free(s->frames);
    free(s->frame_ids);
    s->frames = NULL;
    s->frame_ids = NULL;
    s->frame_count = 0;
    s->frames_of = SIZE_MAX;
}

void root_search_free(struct root_search *s)
{
    forget_frames(s);
    free(s->threads);
    claims_free(&s->unused);
    number_map_free(&s->seen);
    number_map_free(&s->strings);
}

/* A string of the snapshot, the same one for the same text. */
static uint32_t string(struct root_search *s, const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    bool found;
    if (text == NULL || text[0] == '\0')
        return 0;
    for (const char *c = text; *c != '\0'; c++)
        h = (h ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    uint32_t *id = number_map_put(&s->strings, h | 1, &found);
    if (id == NULL)
        return snapshot_writer_string(s->x->writer, text, strlen(text));
    if (!found)
        *id = snapshot_writer_string(s->x->writer, text, strlen(text));
    return *id;
}

/* ---- threads and frames ---- */

uint32_t root_thread(struct root_search *s, uint32_t thread)
{
    const struct process_image *image = s->x->image;
    if (thread >= image->thread_count) /* ended */
        return 0;
    const struct image_thread *t = &image->threads[thread];
    if (s->threads[thread] == 0 && s->x->python != NULL)
        s->threads[thread] = cpython_core_thread(s->x->python, t->registers[REGISTER_FS_BASE]);
    if (s->threads[thread] == 0)
        s->threads[thread] =
            snapshot_writer_thread(s->x->writer, t->registers[REGISTER_FS_BASE], t->tid, string(s, t->name),
                                   t->tid == image->pid ? THREAD_MAIN : 0, 0);
    return s->threads[thread];
}

static uint32_t frame_id(struct root_search *s, uint32_t thread, size_t depth);

void root_frames(struct root_search *s, uint32_t thread)
{
    /* Frames that the file has whatever they hold: how the thread came where it is. Of the outer ones those
       at which a recursion begins and ends. */
    enum { TOLD = 64, TOLD_OF_OUTER = 64 };
    const struct process_image *image = s->x->image;
    if (s->frames_of == thread)
        return;
    forget_frames(s);
    s->frames_of = thread;
    if (image->unwind == NULL)
        return;
    size_t count = image->unwind(image->self, thread, &s->frames);
    s->frame_ids = count > 0 ? calloc(count, sizeof *s->frame_ids) : NULL;
    s->frame_count = s->frame_ids != NULL ? count : 0;
    for (size_t i = 0; i < s->frame_count && i < TOLD; i++)
        frame_id(s, thread, i);
    for (size_t i = TOLD, told = 0; i < s->frame_count && told < TOLD_OF_OUTER; i++) {
        if (i + 1 < s->frame_count && s->frames[i].pc == s->frames[i - 1].pc &&
            s->frames[i].pc == s->frames[i + 1].pc)
            continue;
        frame_id(s, thread, i);
        told++;
    }
    if (s->frame_count > TOLD)
        frame_id(s, thread, s->frame_count - 1);
}

static uint32_t frame_id(struct root_search *s, uint32_t thread, size_t depth)
{
    const struct image_frame *f = &s->frames[depth];
    if (s->frame_ids[depth] == 0) {
        struct snapshot_frame out = {.thread = root_thread(s, thread),
                                     .depth = (uint32_t)depth,
                                     .function = string(s, f->function),
                                     .module = string(s, f->module),
                                     .file = string(s, f->file),
                                     .line = f->line};
        s->frame_ids[depth] = snapshot_writer_frame(s->x->writer, &out);
    }
    return s->frame_ids[depth];
}

static void on_stack(struct root_search *s, const struct root_range *range, uint64_t address,
                     struct root_place *ret)
{
    uint64_t base = range->base;
    size_t low = 0, high = s->frames_of == range->thread ? s->frame_count : 0;
    ret->thread = root_thread(s, range->thread);
    if (high > 0) { /* the outermost frame that begins at or below the address */
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (s->frames[middle].sp <= address)
                low = middle + 1;
            else
                high = middle;
        }
        low = low > 0 ? low - 1 : 0; /* the red zone is the innermost frame's */
        ret->frame = frame_id(s, range->thread, low);
        base = s->frames[low].sp;
    }
    ret->number = (int64_t)(address - base);
}

/* ---- symbols ---- */

static bool symbol_holds(const struct image_symbol *symbol, uint64_t address)
{
    return address >= symbol->address && address - symbol->address < symbol->size;
}

static uint32_t symbol_name(struct root_search *s, const struct image_module *module, const char *name)
{
    char plain[NAME_SIZE / 2], text[NAME_SIZE];
    snprintf(text, sizeof text, "%s: %s", module->name, symbol_demangle(name, plain, sizeof plain));
    return string(s, text);
}

/* Data without a symbol: by its section, or by where in the file's mapping it lies. */
static void by_section(struct root_search *s, const struct root_range *range, uint64_t address,
                       struct root_place *ret)
{
    static const char *const sections[] = {".data",    ".bss",  ".data.rel.ro", ".got",
                                           ".got.plt", ".tbss", ".tdata"};
    const struct process_image *image = s->x->image;
    struct image_range found;
    for (size_t i = 0; image->section != NULL && i < 5; i++) {
        if (image->section(image->self, range->module, sections[i], &found) && address >= found.start &&
            address < found.end) {
            ret->name = symbol_name(s, range->module, sections[i]);
            ret->number = (int64_t)(address - found.start);
            return;
        }
    }
    const struct memory_region *r = address_space_region(s->x->space, address);
    bool bss = r != NULL && r->mapping == MEMORY_NO_MAPPING && r->start > range->base;
    uint64_t base = bss ? r->start : range->base;
    ret->name = symbol_name(s, range->module, bss ? ".bss" : ".data");
    ret->number = (int64_t)(address - base);
}

static void in_data(struct root_search *s, const struct root_range *range, uint64_t address,
                    struct root_place *ret)
{
    const struct process_image *image = s->x->image;
    if (!s->has_symbol || !symbol_holds(&s->symbol, address)) {
        s->has_symbol = image->symbol_at != NULL && image->symbol_at(image->self, address, &s->symbol) &&
                        !s->symbol.tls && symbol_holds(&s->symbol, address) && s->symbol.name[0] != '\0';
        s->symbol_name = s->has_symbol ? symbol_name(s, range->module, s->symbol.name) : 0;
    }
    if (!s->has_symbol) {
        by_section(s, range, address, ret);
        return;
    }
    ret->name = s->symbol_name;
    ret->number = (int64_t)(address - s->symbol.address);
}

static void in_tls(struct root_search *s, const struct root_range *range, uint64_t address,
                   struct root_place *ret)
{
    const struct process_image *image = s->x->image;
    struct image_symbol symbol;
    uint64_t offset = address - range->base;
    ret->thread = root_thread(s, range->thread);
    ret->number = (int64_t)offset;
    if (range->module == NULL) {
        ret->name = string(s, "struct pthread");
        return;
    }
    if (image->tls_symbol_at != NULL && image->tls_symbol_at(image->self, range->module, offset, &symbol) &&
        symbol_holds(&symbol, offset)) {
        ret->name = symbol_name(s, range->module, symbol.name);
        ret->number = (int64_t)(offset - symbol.address);
        return;
    }
    ret->name = symbol_name(s, range->module, ".tbss");
}

static void in_mapping(struct root_search *s, const struct root_range *range, uint64_t address,
                       struct root_place *ret)
{
    char text[64];
    snprintf(text, sizeof text, "anonymous 0x%llx", (unsigned long long)range->base);
    ret->name = string(s, range->file != NULL ? range->file : text);
    ret->number = (int64_t)(address - range->base);
}

struct root_place root_place_of(struct root_search *s, const struct root_range *range, uint64_t address)
{
    struct root_place place = {.kind = range->kind};
    if (range->kind == ROOT_NATIVE_STACK)
        on_stack(s, range, address, &place);
    else if (range->kind == ROOT_MODULE_DATA)
        in_data(s, range, address, &place);
    else if (range->kind == ROOT_TLS)
        in_tls(s, range, address, &place);
    else
        in_mapping(s, range, address, &place);
    return place;
}
