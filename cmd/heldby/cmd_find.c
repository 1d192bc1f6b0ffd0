/* heldby find: the objects that match a selection, largest first. */
#include <stdlib.h>

#include "cmd/heldby/object_rows.h"
#include "cmd/heldby/open_heaps.h"
#include "cmd/heldby/text.h"
#include "lib/base/text_buffer.h"
#include "lib/query/find.h"

/* What was asked for, as it was given: --type T --value REGEX. */
static bool error_none(const struct invocation *in, uint64_t searched, struct error *err)
{
    struct text_buffer asked = {0};
    char count[40];
    if (searched == 0 && in->value_count == 0)
        return error_set(err, ERROR_NOT_FOUND, "there is no object in it");
    for (size_t i = 0; i < in->value_count; i++) {
        const struct option_value *value = &in->values[i];
        bool own = false;
        for (const struct option_spec *spec = in->command->options; spec->name; spec++)
            own |= spec == value->spec;
        if (own)
            text_buffer_format(&asked, " --%s%s%s", value->spec->name, value->text ? " " : "",
                               value->text ? value->text : "");
    }
    error_set(err, ERROR_NOT_FOUND, "no object matches%s: %s object%s searched", text_buffer_text(&asked),
              text_count(searched, count, sizeof count), searched == 1 ? " was" : "s were");
    text_buffer_free(&asked);
    return false;
}

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    struct find_request request = {.selection = {.type = option_text(in, "type", NULL),
                                                 .module = option_text(in, "module", NULL),
                                                 .value = option_text(in, "value", NULL),
                                                 .min_size = option_number(in, "min-size", 0)},
                                   .max_size = option_number(in, "max-size", 0),
                                   .refcount = option_text(in, "refcount", NULL),
                                   .tracked = option_given(in, "tracked")};
    const char **attributes = calloc(in->value_count + 1, sizeof *attributes);
    struct found found;
    if (!attributes)
        return error_no_memory(err);
    while ((attributes[request.attribute_count] = option_item(in, "attr", request.attribute_count)))
        request.attribute_count++;
    request.attributes = attributes;
    bool done = find_objects(&found, opened->view, &request, out->limit == UINT64_MAX ? 0 : out->limit, err);
    free(attributes);
    if (!done)
        return false;
    document_begin_one(out, opened);
    if (out->as_json) {
        json_u64(&out->json, "objects", found.objects);
        json_u64(&out->json, "bytes", found.bytes);
    } else if (found.objects) {
        char a[40], b[40];
        output_print(out, "%s object%s, %s\n\n", text_count(found.objects, a, sizeof a),
                     found.objects == 1 ? "" : "s", text_bytes(found.bytes, b, sizeof b));
    }
    object_rows_print(out, "rows", found.rows, found.row_count);
    output_more(out, found.row_count, found.objects);
    document_end(out);
    bool any = found.objects > 0;
    uint64_t searched = found.searched;
    find_free(&found);
    return any || error_none(in, searched, err);
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    return answer_one(in, out, answer, err);
}

bool cmd_find(const struct invocation *in, struct error *err)
{
    return output_answer(in, run, err);
}
