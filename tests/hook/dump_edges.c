/* dump_edges.c -- prints a whole snapshot as text, one thing per line, for the tests that compare all of it
 * at once.
 *
 * usage: dump_edges FILE
 *
 * Columns are separated by tabs; texts are hexadecimal, so that any name passes. Numbers of kinds are those
 * of docs/snapshot-format.md, section 4.
 *
 *      X complete objects_lost edges_lost
 *      W warning                                   as plain text
 *      O address type flags size refcount type_object family  then for each reference
 *              target/kind/certainty/name/number/key           an empty place is left out
 *      P address kind full_length text
 *      R kind reference certainty name number target thread frame
 *      T number ident native name flags
 *      F number thread depth function module file line code
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "formats/snapshot/snapshot_reader.h"
#include "lib/heap/heap.h"

static void print_hex(const char *text, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        putchar(digits[byte >> 4]);
        putchar(digits[byte & 15]);
    }
}

static void print_string(const struct heap *heap, string_id id)
{
    size_t length;
    const char *text = heap_string(heap, id, &length);
    print_hex(text, length);
}

static uint64_t address_of(const struct heap *heap, object_id id)
{
    return id ? heap->address[id] : 0;
}

static void print_references(const struct heap *heap, object_id id)
{
    for (uint64_t edge = csr_start(&heap->edges, id); edge < csr_end(&heap->edges, id); edge++) {
        struct reference ref = heap_reference(heap, id, edge);
        if (!ref.target) {
            continue;
        }
        printf("\t%" PRIx64 "/%d/%d/", heap->address[ref.target], (int)ref.kind, (int)ref.certainty);
        print_string(heap, ref.name);
        printf("/%" PRId64 "/%" PRIx64, ref.number, address_of(heap, ref.key));
    }
}

static void print_object(const struct heap *heap, object_id id)
{
    struct heap_detail detail;
    heap_detail(heap, id, &detail);
    const struct heap_type *type = &heap->types[heap_type_of(heap, id)];
    printf("O\t%" PRIx64 "\t", heap->address[id]);
    print_string(heap, type->name);
    printf("\t%u\t%" PRIu64 "\t%" PRIu64 "\t%" PRIx64 "\t%d", detail.flags, detail.size, detail.refcount,
           address_of(heap, type->object), (int)type->family);
    print_references(heap, id);
    putchar('\n');
    struct heap_preview preview;
    if (heap_preview(heap, id, &preview)) {
        printf("P\t%" PRIx64 "\t%d\t%" PRIu64 "\t", heap->address[id], (int)preview.kind,
               preview.full_length);
        print_hex(preview.text, preview.length);
        putchar('\n');
    }
}

static void print_root(const struct heap *heap, const struct heap_root *root)
{
    printf("R\t%d\t%d\t%d\t", root->kind, root->reference, root->certainty);
    print_string(heap, root->name);
    printf("\t%" PRId64 "\t%" PRIx64 "\t%" PRIu32 "\t%" PRIu32 "\n", root->number,
           address_of(heap, root->target), root->thread, root->frame);
}

static void print_thread(const struct heap *heap, uint32_t number)
{
    const struct heap_thread *thread = &heap->threads[number];
    printf("T\t%" PRIu32 "\t%" PRIu64 "\t%" PRIu64 "\t", number, thread->ident, thread->native);
    print_string(heap, thread->name);
    printf("\t%" PRIu32 "\n", thread->flags);
}

static void print_frame(const struct heap *heap, uint32_t number)
{
    const struct heap_frame *frame = &heap->frames[number];
    printf("F\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\t", number, frame->thread, frame->depth);
    print_string(heap, frame->function);
    putchar('\t');
    print_string(heap, frame->module);
    putchar('\t');
    print_string(heap, frame->file);
    printf("\t%" PRIu32 "\t%" PRIx64 "\n", frame->line, address_of(heap, frame->code));
}

static void print_heap(const struct heap *heap)
{
    printf("X\t%d\t%" PRIu64 "\t%" PRIu64 "\n", heap->complete, heap->objects_lost, heap->edges_lost);
    for (uint32_t i = 0; i < heap->warning_count; i++) {
        printf("W\t%s\n", heap->warnings[i]);
    }
    for (uint32_t i = 0; i < heap->root_count; i++) {
        print_root(heap, &heap->roots[i]);
    }
    for (uint32_t i = 1; i <= heap->thread_count; i++) {
        print_thread(heap, i);
    }
    for (uint32_t i = 1; i <= heap->frame_count; i++) {
        print_frame(heap, i);
    }
    for (object_id id = 1; id <= heap->object_count; id++) {
        print_object(heap, id);
    }
}

int main(int argc, char **argv)
{
    struct error err = {0};
    char line[1200];
    if (argc != 2) {
        fprintf(stderr, "usage: dump_edges FILE\n");
        return 2;
    }
    struct heap *heap = snapshot_open(argv[1], &err);
    if (!heap || !heap_load_details(heap, &err) || !heap_load_previews(heap, &err)) {
        fprintf(stderr, "dump_edges: %s\n", error_text(&err, line, sizeof line));
        heap_destroy(heap);
        return (int)err.code;
    }
    print_heap(heap);
    heap_destroy(heap);
    return fflush(stdout) ? 4 : 0;
}
