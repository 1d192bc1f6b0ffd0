#include "cmd/heldby/size_notes.h"

#include "cmd/heldby/facts.h"

static const char definition[] =
    "as sys.getsizeof: the object alone, with its storage and the collector's head";
static const char not_in_it[] = "not what it refers to: an instance is without its __dict__";

static const char of_blocks[] = "as malloc_usable_size: what the program can use of the block";

struct size_note {
    const char *type, *why;
    unsigned first, last; /* minor versions of Python 3 */
};

static const struct size_note notes[] = {
    {"code", "less: without the caches it gets as it runs", 0, 99},
    {"frame", "more: a frame used again keeps the room of the larger one it was", 0, 10},
    {"an instance's own dict",
     "it shares its class's keys: the room left in these changes with every instance", 11, 99},
    {"types of C extensions",
     "less, if their __sizeof__ adds what no object holds (numpy, array and struct are known)", 0, 99},
};

/* A process without Python has blocks only. */
static void print_native(struct output *out)
{
    if (out->as_json) {
        json_begin_object(&out->json, "sizes");
        json_text(&out->json, "definition", of_blocks);
        json_text(&out->json, "without", "not the allocator's header");
        json_begin_array(&out->json, "differs");
        json_end_array(&out->json);
        json_end_object(&out->json);
    } else {
        output_print(out, "%s%-12s%s%s\n", output_style(out, STYLE_DIM), "sizes",
                     out->colored ? output_style(out, STYLE_PLAIN) : "", of_blocks);
    }
}

void size_notes_print(struct output *out, const struct heap *heap)
{
    uint64_t hex = 0;
    bool native = fact_text(heap, "native.allocator") != NULL;
    const char *source = fact_text(heap, "source"); /* of a core or a copy: it may have no Python */
    if ((native || source) && !fact_text(heap, "runtime")) {
        print_native(out);
        return;
    }
    fact_u64(heap, "runtime_hex", &hex);
    unsigned minor = hex >> 16 & 0xff;
    if (out->as_json) {
        json_begin_object(&out->json, "sizes");
        json_text(&out->json, "definition", definition);
        json_text(&out->json, "without", not_in_it);
        json_begin_array(&out->json, "differs");
    } else {
        output_print(out, "%s%-12s%s%s\n", output_style(out, STYLE_DIM), "sizes",
                     out->colored ? output_style(out, STYLE_PLAIN) : "", definition);
        output_print(out, "%-12s%s\n%-12sthey differ from sys.getsizeof for ", "", not_in_it, "");
    }
    const char *between = "";
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        const struct size_note *note = &notes[i];
        if (minor < note->first || minor > note->last)
            continue;
        if (out->as_json) {
            json_begin_object(&out->json, NULL);
            json_text(&out->json, "type", note->type);
            json_text(&out->json, "how", note->why);
            json_end_object(&out->json);
        } else {
            output_print(out, "%s%s", between, note->type);
            between = ", ";
        }
    }
    if (out->as_json) {
        json_end_array(&out->json);
        if (native)
            json_text(&out->json, "native", of_blocks);
        json_end_object(&out->json);
    } else {
        output_print(out, " (--json says how)\n");
        if (native)
            output_print(out, "%-12sof native memory: %s\n", "", of_blocks);
    }
}
