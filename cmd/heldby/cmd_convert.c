/* heldby convert: a snapshot to carry away, of a core or of another snapshot. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/heldby/core_input.h"
#include "cmd/heldby/new_file.h"
#include "cmd/heldby/progress.h"
#include "cmd/heldby/text.h"
#include "formats/extract/extract_zstd.h"
#include "formats/snapshot/snapshot_copy.h"
#include "formats/snapshot/snapshot_reader.h"
#include "lib/graph/object_set.h"
#include "lib/query/raw.h"
#include "lib/query/view.h"

/* Strings that are names, not values: keys of modules', classes' and instances' own dicts, variables of code.
 */
struct names {
    const struct heap *heap;
    struct object_set keys;
    bool *attribute; /* [string_count + 1]: names a field of a shape */
};

static void add_name(struct names *names, object_id id)
{
    if (id)
        object_set_add(&names->keys, id);
}

/* Its variables; what it has as constants are values. */
static void add_names_of_code(struct names *names, object_id code)
{
    static const char *const fields[] = {"co_localsplusnames", "co_freevars", "co_varnames"};
    const struct heap *heap = names->heap;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        object_id tuple = raw_field(heap, code, fields[i], NULL);
        if (!tuple)
            continue;
        for (uint64_t e = csr_start(&heap->edges, tuple); e < csr_end(&heap->edges, tuple); e++)
            add_name(names, heap->edges.item[e]);
    }
}

static bool find_names(struct names *names, struct view *view, struct error *err)
{
    const struct heap *heap = names->heap = view_heap(view);
    const struct object_set *dicts = view_transparent(view, err);
    if (!dicts || !object_set_create(&names->keys, heap, err))
        return false;
    names->attribute = calloc((size_t)heap->string_count + 1, sizeof *names->attribute);
    if (!names->attribute)
        return error_no_memory(err);
    for (uint32_t i = 0; i < heap->field_count; i++)
        names->attribute[heap->fields[i].name] = true;
    for (object_id id = 1; id <= heap->object_count; id++) {
        if (heap_family(heap, id) == FAMILY_CODE)
            add_names_of_code(names, id);
        if (heap_family(heap, id) == FAMILY_FUNCTION)
            add_name(names, raw_field(heap, id, "__module__", NULL));
        if (!object_set_has(dicts, id))
            continue;
        for (uint64_t e = csr_start(&heap->edges, id); e < csr_end(&heap->edges, id); e++) {
            struct reference r = heap_reference(heap, id, e);
            if (r.kind == REFERENCE_KEY_OBJECT && r.target)
                add_name(names, r.target);
        }
    }
    return true;
}

/* As the hook decides it for a snapshot without values: letters, digits, _, the dots of module names, or
 * <lambda> and the like. */
static bool is_identifier(const uint8_t *text, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++) {
        uint8_t c = text[i];
        bool letter = c == '_' || c >= 0x80 || (uint8_t)((c | 32) - 'a') < 26;
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '.')))
            return c == '<' && i == 0 && text[length - 1] == '>' && !memchr(text, ' ', length);
    }
    return length > 0;
}

static bool keep_preview(void *context, uint64_t object, unsigned kind, const uint8_t *text, uint64_t length)
{
    const struct names *names = context;
    if (kind == PREVIEW_NAME)
        return true;
    return kind == PREVIEW_STR && object <= names->heap->object_count &&
           object_set_has(&names->keys, (object_id)object) && is_identifier(text, length);
}

/* What names an attribute may be any string at all. */
static bool keep_string(void *context, uint64_t string, const uint8_t *text, uint64_t length)
{
    const struct names *names = context;
    return string > names->heap->string_count || !names->attribute[string] || is_identifier(text, length);
}

static void say_copied(void *context, uint64_t done, uint64_t total)
{
    progress_part("copying", context, done, total);
}

static bool copy(const char *path, int fd, bool values, struct error *err)
{
    struct snapshot_copy_options options = {
        .fd = fd, .zstd = extract_zstd(), .progress = say_copied, .progress_context = (void *)path};
    if (values)
        return snapshot_copy(path, &options, err);
    struct names names = {0};
    struct heap *heap = snapshot_open(path, err);
    struct view *view = heap ? view_create(heap, err) : NULL;
    bool done = view && find_names(&names, view, err);
    if (done) {
        options.keep_preview = keep_preview;
        options.keep_string = keep_string;
        options.keep_context = &names;
        done = snapshot_copy(path, &options, err);
    }
    object_set_free(&names.keys);
    free(names.attribute);
    view_destroy(view);
    heap_destroy(heap);
    return done;
}

static bool write_all(const struct invocation *in, const char *path, int fd, struct error *err)
{
    enum input_kind kind;
    uint64_t size;
    bool values = !option_given(in, "no-values");
    if (!input_probe(path, &kind, &size, err))
        return false;
    if (kind == INPUT_SNAPSHOT)
        return copy(path, fd, values, err);
    struct error nothing = {0};
    struct extract_options as = {.zstd = extract_zstd(),
                                 .value_bytes = values ? CORE_VALUE_BYTES : 0,
                                 .facts_alone = true,
                                 .nothing_walked = &nothing};
    if (!core_input_extract(in, path, as, fd, err))
        return false;
    if (nothing.code != ERROR_NONE) {
        char of[4096], why[4096];
        progress_clear();
        fprintf(stderr, "heldby: warning: %s: %s; only what info tells of it was kept\n",
                text_clean(path, strlen(path), of, sizeof of),
                text_clean(nothing.message, strlen(nothing.message), why, sizeof why));
    }
    return true;
}

bool cmd_convert(const struct invocation *in, struct error *err)
{
    const char *name = option_text(in, "output", NULL);
    if (!name)
        return usage_error(err, "convert wants -o OUT.held, the file to write");
    if (strcmp(name, "-") == 0) {
        if (isatty(STDOUT_FILENO) == 1)
            return usage_error(err, "a snapshot is not for a terminal: -o OUT.held, or -o - into a pipe");
        return write_all(in, in->operands[0], STDOUT_FILENO, err);
    }
    struct new_file file;
    if (!new_file_open_private(&file, name, err))
        return false;
    if (!write_all(in, in->operands[0], file.fd, err)) {
        new_file_drop(&file);
        bool of_output = err->os_errno == ENOSPC || err->os_errno == EDQUOT || err->os_errno == EFBIG;
        if (of_output && !*err->path)
            snprintf(err->path, sizeof err->path, "%s", name);
        return false;
    }
    return new_file_keep(&file, err);
}
