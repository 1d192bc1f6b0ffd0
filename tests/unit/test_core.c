/* Hand-made cores in the shapes of the kernel and of gcore. */
#include "formats/elf/core.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "tests/support/make_core.h"
#include "tests/support/support.h"

static struct error err;
static struct core_maker maker;
static uint8_t heap[0x3000], stack[0x1000];
static const struct core_options no_files = {.no_files = true};

#define HEAP  UINT64_C(0x555555000000)
#define STACK UINT64_C(0x7ffe00000000)

static void setup(void)
{
    core_maker_init(&maker);
    for (size_t i = 0; i < sizeof heap; i++)
        heap[i] = (uint8_t)(i * 31 + 1);
    core_maker_load(&maker, HEAP, heap, sizeof heap, sizeof heap, PF_R | PF_W);
    core_maker_load(&maker, STACK, stack, sizeof stack, sizeof stack, PF_R | PF_W);
}

static void teardown(void)
{
    core_maker_free(&maker);
}

static struct process_image *open_core(const struct core_options *options)
{
    const char *path = test_file("core");
    core_maker_write(&maker, path);
    struct process_image *image = core_open(path, options, &err);
    ck_assert_ok(image != NULL, &err);
    return image;
}

static bool warned(const struct process_image *image, const char *part)
{
    for (size_t i = 0; i < image->warning_count; i++) {
        if (strstr(image->warnings[i], part) != NULL)
            return true;
    }
    return false;
}

START_TEST(notes)
{
    core_maker_thread(&maker, 4711, 11, 0x401000, STACK + 0x100, 0x7f0000001740);
    core_maker_thread(&maker, 4712, 11, 0x401100, STACK + 0x200, 0x7f0000002740);
    core_maker_process(&maker, 4711, 1, 1000, "./server --port 80 ");
    core_maker_signal(&maker, 11, 1, 0xdead0);
    core_maker_auxv(&maker, AT_PAGESZ, 4096);
    core_maker_auxv(&maker, AT_ENTRY, 0x401000);
    core_maker_auxv(&maker, 12345, 1); /* unknown to all */
    core_maker_note(&maker, "LINUX", NT_PRSTATUS, "not a thread of ours", 20);
    struct process_image *image = open_core(&no_files);
    ck_assert(image->has_notes && !image->has_mappings && !image->live);
    ck_assert_uint_eq(image->thread_count, 2);
    ck_assert_uint_eq(image->threads[0].tid, 4711);
    ck_assert_uint_eq(image->threads[0].registers[REGISTER_RIP], 0x401000);
    ck_assert_uint_eq(image->threads[1].registers[REGISTER_RSP], STACK + 0x200);
    ck_assert_uint_eq(image->threads[1].registers[REGISTER_FS_BASE], 0x7f0000002740);
    ck_assert_uint_eq(image->pid, 4711);
    ck_assert_uint_eq(image->ppid, 1);
    ck_assert_uint_eq(image->uid, 1000);
    ck_assert_str_eq(image->command, "./server --port 80");
    ck_assert_int_eq(image->signal, 11);
    ck_assert_int_eq(image->signal_code, 1);
    ck_assert_uint_eq(image->signal_address, 0xdead0);
    ck_assert_uint_eq(image->auxv[AT_ENTRY], 0x401000);
    ck_assert_uint_eq(image->counts.dumped, sizeof heap + sizeof stack);
    ck_assert_uint_eq(image->counts.cut, 0);
    ck_assert_int_eq(memcmp(address_space_at(&image->space, HEAP, sizeof heap), heap, sizeof heap), 0);
    ck_assert_uint_eq(image->warning_count, 0);
    process_image_free(image);
}
END_TEST

START_TEST(aborted_has_no_address)
{
    core_maker_thread(&maker, 1, 6, 0, 0, 0);
    core_maker_signal(&maker, 6, -6, 0x3e8000003e8);
    struct process_image *image = open_core(&no_files);
    ck_assert_int_eq(image->signal, 6);
    ck_assert_uint_eq(image->signal_address, 0);
    process_image_free(image);
}
END_TEST

/* gcore: notes behind the data, data at multiples of 8, undumped mappings without a segment, its own SIGSTOP.
 */
START_TEST(gcore)
{
    maker.gcore = true;
    core_maker_thread(&maker, 9, 0, 0x401000, STACK + 8, 0);
    core_maker_signal(&maker, 19, 128, 0);
    core_maker_file(&maker, 0x7f0000000000, 0x7f0000020000, 0, "/opt/libx.so");
    core_maker_file(&maker, 0x7f0000020000, 0x7f0000040000, 0x20, "/opt/libx.so");
    struct process_image *image = open_core(&no_files);
    ck_assert_int_eq(image->signal, 0);
    ck_assert(image->has_mappings);
    ck_assert_uint_eq(image->mapping_count, 2);
    ck_assert_uint_eq(image->mappings[1].offset, 0x20000);
    const struct memory_region *r = address_space_region(&image->space, 0x7f0000021000);
    ck_assert_ptr_nonnull(r);
    ck_assert_uint_eq(r->origin, MEMORY_ABSENT);
    ck_assert_str_eq(image->mappings[r->mapping].path, "/opt/libx.so");
    ck_assert_uint_eq(image->counts.absent, 0x40000);
    ck_assert_uint_eq(address_space_region(&image->space, HEAP)->mapping, MEMORY_NO_MAPPING);
    uint64_t v, wanted;
    ck_assert(address_space_u64(&image->space, HEAP + 0x1ffc, &v));
    memcpy(&wanted, heap + 0x1ffc, 8);
    ck_assert_uint_eq(v, wanted);
    process_image_free(image);
}
END_TEST

START_TEST(no_notes)
{
    struct process_image *image = open_core(&no_files);
    ck_assert(!image->has_notes);
    ck_assert(warned(image, "no notes in this core"));
    ck_assert_uint_eq(image->thread_count, 0);
    process_image_free(image);
}
END_TEST

/* A segment that begins elsewhere than its neighbour's end, and one undumped. */
START_TEST(undumped_segments)
{
    core_maker_thread(&maker, 1, 11, 0, 0, 0);
    core_maker_load(&maker, 0x400000, NULL, 0, 0x5000, PF_R | PF_X);
    core_maker_load(&maker, 0x405000, heap, 0x1000, 0x3000, PF_R);
    core_maker_load(&maker, 0xffffffffff600000, heap, 0x1000, 0x1000, PF_X);
    struct process_image *image = open_core(&no_files);
    ck_assert_uint_eq(image->counts.absent, 0x7000);
    ck_assert_uint_eq(image->counts.dumped, sizeof heap + sizeof stack + 0x1000);
    ck_assert_ptr_null(address_space_at(&image->space, 0x400000, 1));
    ck_assert_ptr_nonnull(address_space_at(&image->space, 0x405fff, 1));
    ck_assert_ptr_null(address_space_at(&image->space, 0x406000, 1));
    ck_assert_uint_eq(address_space_region(&image->space, 0x400000)->access, MEMORY_READ | MEMORY_EXECUTE);
    ck_assert_uint_eq(image->warning_count, 0);
    process_image_free(image);
}
END_TEST

/* ---- compressed */

static unsigned char *compress(size_t *size, bool known, unsigned frames)
{
    size_t plain_size, room, at = 0, done = 0;
    unsigned char *plain = core_maker_bytes(&maker, &plain_size);
    room = ZSTD_compressBound(plain_size) + 4096 * frames;
    unsigned char *out = malloc(room);
    ck_assert_ptr_nonnull(out);
    for (unsigned i = 0; i < frames; i++) {
        size_t piece = i + 1 < frames ? plain_size / frames : plain_size - done;
        ZSTD_CCtx *context = ZSTD_createCCtx();
        if (known)
            ZSTD_CCtx_setPledgedSrcSize(context, piece);
        ZSTD_inBuffer in = {plain + done, piece, 0};
        ZSTD_outBuffer to = {out, room, at};
        while (in.pos < in.size) /* in two steps: the size is then not known in advance */
            ck_assert(!ZSTD_isError(ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue)));
        ck_assert_uint_eq(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end), 0);
        ZSTD_freeCCtx(context);
        at = to.pos;
        done += piece;
    }
    free(plain);
    *size = at;
    return out;
}

START_TEST(compressed)
{
    size_t size;
    core_maker_thread(&maker, 5, 11, 0, 0, 0);
    unsigned char *bytes = compress(&size, _i & 1, (unsigned)_i / 2 + 1);
    ck_assert_int_eq(ZSTD_getFrameContentSize(bytes, size) != ZSTD_CONTENTSIZE_UNKNOWN, _i & 1);
    ck_assert(core_probe_compressed(bytes, size) && !core_probe(bytes, size));
    const char *path = test_file("core.zst");
    write_file(path, bytes, size);
    struct process_image *image = core_open(path, &no_files, &err);
    ck_assert_ok(image != NULL, &err);
    ck_assert_uint_eq(image->counts.file_size, size);
    ck_assert_uint_eq(image->thread_count, 1);
    ck_assert_int_eq(memcmp(address_space_at(&image->space, HEAP, sizeof heap), heap, sizeof heap), 0);
    ck_assert_uint_eq(image->warning_count, 0);
    process_image_free(image);
    free(bytes);
}
END_TEST

/* Cut anywhere: what came out before opens, or the file is refused; nothing else. */
START_TEST(compressed_and_cut)
{
    size_t size, opened = 0, told = 0;
    core_maker_thread(&maker, 5, 11, 0, 0, 0);
    for (size_t i = 0; i < sizeof heap; i++)
        heap[i] = (uint8_t)(rand() >> 7);
    maker.segments[0].data = memcpy(maker.segments[0].data, heap, sizeof heap);
    unsigned char *bytes = compress(&size, false, 4);
    const char *path = test_file("cut.zst");
    for (size_t cut = 1; cut < size; cut += 37) {
        write_file(path, bytes, cut);
        struct process_image *image = core_open(path, &no_files, &err);
        if (image == NULL) {
            must(err.code == ERROR_BAD_INPUT);
            continue;
        }
        opened++;
        told += warned(image, "the compressed file is cut");
        must(image->counts.cut > 0);
        process_image_free(image);
    }
    ck_assert_uint_gt(opened, 3);
    ck_assert_uint_ge(told + 3, opened); /* all but those cut just between two frames */
    free(bytes);
}
END_TEST

START_TEST(compressed_and_damaged)
{
    size_t size;
    core_maker_thread(&maker, 5, 11, 0, 0, 0);
    unsigned char *bytes = compress(&size, false, 2);
    const char *path = test_file("damaged.zst");
    for (size_t at = 4; at < size; at += 3) {
        bytes[at] ^= 0x55;
        write_file(path, bytes, size);
        struct process_image *image = core_open(path, &no_files, &err);
        must(image != NULL || err.code == ERROR_BAD_INPUT);
        process_image_free(image);
        bytes[at] ^= 0x55;
    }
    free(bytes);
}
END_TEST

/* A few kilobytes that unpack to 4 GB. */
START_TEST(bomb)
{
    static unsigned char out[1 << 20], zeros[1 << 20];
    core_maker_thread(&maker, 5, 11, 0, 0, 0);
    size_t plain_size, size = 0;
    unsigned char *plain = core_maker_bytes(&maker, &plain_size);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_outBuffer to = {out, sizeof out, 0};
    ZSTD_inBuffer in = {plain, plain_size, 0};
    while (in.pos < in.size)
        ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue);
    for (int i = 0; i < 4096; i++) {
        in = (ZSTD_inBuffer){zeros, sizeof zeros, 0};
        while (in.pos < in.size)
            ck_assert(!ZSTD_isError(ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue)));
    }
    ck_assert_uint_eq(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end), 0);
    size = to.pos;
    ZSTD_freeCCtx(context);
    const char *path = test_file("bomb.zst");
    write_file(path, out, size);
    struct core_options limited = {.no_files = true, .memory_limit = 64 << 20};
    ck_assert_ptr_null(core_open(path, &limited, &err));
    ck_assert_error(&err, ERROR_SYSTEM, "the limit on memory; --memory SIZE allows more");
    free(plain);
}
END_TEST

START_TEST(compressed_other)
{
    unsigned char out[256];
    static const char text[100] = "no core at all";
    size_t size = ZSTD_compress(out, sizeof out, text, sizeof text, 1);
    const char *path = test_file("text.zst");
    write_file(path, out, size);
    ck_assert_ptr_null(core_open(path, &no_files, &err));
    ck_assert_error(&err, ERROR_BAD_INPUT, "not an ELF file");
    write_file(path, out, 4);
    ck_assert_ptr_null(core_open(path, &no_files, &err));
    ck_assert_error(&err, ERROR_BAD_INPUT, "nothing could be unpacked");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core");
    TCase *tests = tcase_create("core");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, notes);
    tcase_add_test(tests, aborted_has_no_address);
    tcase_add_test(tests, gcore);
    tcase_add_test(tests, no_notes);
    tcase_add_test(tests, undumped_segments);
    tcase_add_loop_test(tests, compressed, 0, 6);
    tcase_add_test(tests, compressed_and_cut);
    tcase_add_test(tests, compressed_and_damaged);
    tcase_add_test(tests, bomb);
    tcase_add_test(tests, compressed_other);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
