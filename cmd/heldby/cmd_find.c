/* heldby find: the objects that match a selection, largest first. */
#include "cmd/heldby/object_rows.h"
#include "cmd/heldby/open_heaps.h"
#include "cmd/heldby/text.h"
#include "lib/query/find.h"

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    struct selection_request request = {.type = option_text(in, "type", NULL),
                                        .module = option_text(in, "module", NULL),
                                        .value = option_text(in, "value", NULL),
                                        .min_size = option_number(in, "min-size", 0),
                                        .refcount = option_number(in, "refcount", 0),
                                        .by_refcount = option_given(in, "refcount")};
    struct found found;
    if (!find_objects(&found, opened->view, &request, out->limit == UINT64_MAX ? 0 : out->limit, err))
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
    find_free(&found);
    return any || error_set(err, ERROR_NOT_FOUND, "no object matches");
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    return answer_one(in, out, answer, err);
}

bool cmd_find(const struct invocation *in, struct error *err)
{
    return output_answer(in, run, err);
}
