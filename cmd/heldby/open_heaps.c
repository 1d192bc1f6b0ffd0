#include "cmd/heldby/open_heaps.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/core_input.h"
#include "cmd/heldby/progress.h"
#include "cmd/heldby/text.h"
#include "formats/snapshot/snapshot_reader.h"

bool opened_init(struct opened *ret, const struct invocation *in, const char *path, struct error *err)
{
    *ret = (struct opened){.path = path};
    enum input_kind kind;
    if (!input_probe(path, &kind, &ret->file_size, err))
        return false;
    progress_say(ret->file_size, "reading", path);
    ret->heap = kind == INPUT_CORE ? core_input_open(in, path, err) : snapshot_open(path, err);
    if (ret->heap)
        ret->view = view_create(ret->heap, err);
    if (!ret->view) {
        opened_deinit(ret);
        return false;
    }
    progress_say(ret->file_size, "looking into", path);
    return true;
}

bool opened_answered(const struct opened *opened, bool done, struct error *err)
{
    return done && !(opened->heap && heap_previews_failed(opened->heap, err));
}

void opened_deinit(struct opened *opened)
{
    view_destroy(opened->view);
    heap_destroy(opened->heap);
    *opened = (struct opened){0};
}

void notes_init(struct notes *notes, bool with_path)
{
    *notes = (struct notes){.complete = true, .with_path = with_path};
}

bool notes_add_text(struct notes *notes, const char *warning, struct error *err)
{
    char **grown = realloc(notes->warnings, (notes->count + 1) * sizeof *grown);
    if (!grown)
        return error_no_memory(err);
    notes->warnings = grown;
    char *copy = strdup(warning);
    if (!copy)
        return error_no_memory(err);
    notes->warnings[notes->count++] = copy;
    return true;
}

bool notes_add(struct notes *notes, const struct heap *heap, struct error *err)
{
    char text[1024];
    notes->complete = notes->complete && heap->complete;
    for (uint32_t i = 0; i < heap->warning_count; i++) {
        snprintf(text, sizeof text, "%s%s%s", notes->with_path ? heap->path : "",
                 notes->with_path ? ": " : "", heap->warnings[i]);
        if (!notes_add_text(notes, text, err))
            return false;
    }
    return true;
}

void notes_deinit(struct notes *notes)
{
    for (size_t i = 0; i < notes->count; i++)
        free(notes->warnings[i]);
    free(notes->warnings);
    *notes = (struct notes){0};
}

static void warn(const char *path, const char *warning)
{
    char line[1024], clean[4096];
    snprintf(line, sizeof line, "%s%s%s", path ? path : "", path ? ": " : "", warning);
    fprintf(stderr, "heldby: warning: %s\n", text_clean(line, strlen(line), clean, sizeof clean));
}

void document_begin(struct output *out, const struct notes *notes, char *const *paths, size_t path_count,
                    bool list)
{
    progress_clear();
    out->begun = true;
    if (!out->as_json) {
        for (size_t i = 0; i < notes->count; i++)
            warn(notes->with_path ? NULL : paths[0], notes->warnings[i]);
        return;
    }
    struct json *j = &out->json;
    json_begin_object(j, NULL);
    if (list) {
        json_begin_array(j, "files");
        for (size_t i = 0; i < path_count; i++)
            json_text(j, NULL, paths[i]);
        json_end_array(j);
    } else {
        json_text(j, "file", paths[0]);
    }
    json_bool(j, "complete", notes->complete);
    json_begin_array(j, "warnings");
    for (size_t i = 0; i < notes->count; i++)
        json_text(j, NULL, notes->warnings[i]);
    json_end_array(j);
}

void document_end(struct output *out)
{
    if (out->as_json)
        json_end_object(&out->json);
}

void document_begin_one(struct output *out, const struct opened *opened)
{
    char *path = (char *)opened->path;
    struct notes notes = {.complete = opened->heap->complete,
                          .warnings = opened->heap->warnings,
                          .count = opened->heap->warning_count};
    document_begin(out, &notes, &path, 1, false);
}

bool document_begin_besides(struct output *out, const struct opened *opened, const char *warning,
                            struct error *err)
{
    struct notes notes;
    char *path = (char *)opened->path;
    if (!*warning || !out->as_json) { /* in text the answer says it itself */
        document_begin_one(out, opened);
        return true;
    }
    notes_init(&notes, false);
    bool done = notes_add(&notes, opened->heap, err) && notes_add_text(&notes, warning, err);
    if (done)
        document_begin(out, &notes, &path, 1, false);
    notes_deinit(&notes);
    return done;
}

bool answer_one(const struct invocation *in, struct output *out,
                bool (*answer)(const struct invocation *in, struct output *out, struct opened *opened,
                               struct error *err),
                struct error *err)
{
    struct opened opened;
    if (!opened_init(&opened, in, in->operands[0], err))
        return false;
    bool done = answer(in, out, &opened, err);
    if (!done && !out->begun) /* then nobody has said what the file lacks, and that may be why */
        for (uint32_t i = 0; i < opened.heap->warning_count; i++)
            warn(opened.path, opened.heap->warnings[i]);
    if (!done && err->code == ERROR_NOT_FOUND && *err->message && !*err->path)
        snprintf(err->path, sizeof err->path, "%s", opened.path);
    done = opened_answered(&opened, done, err);
    opened_deinit(&opened);
    return done;
}
