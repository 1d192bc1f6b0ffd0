/* What is no core of ours, and cores that lie. */
#include "formats/elf/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/make_core.h"
#include "tests/support/support.h"

static struct error err;
static struct core_maker maker;
static uint8_t page[0x1000];
static const struct core_options no_files = {.no_files = true};

static void setup(void)
{
    core_maker_init(&maker);
    core_maker_thread(&maker, 7, 11, 0x401000, 0x7ffe00000000, 0);
}

static void teardown(void)
{
    core_maker_free(&maker);
}

static struct process_image *open_core(void)
{
    const char *path = test_file("core");
    core_maker_write(&maker, path);
    return core_open(path, &no_files, &err);
}

static void load(uint64_t address, uint64_t size, uint64_t memory)
{
    core_maker_load(&maker, address, page, size, memory, PF_R | PF_W);
}

static bool warned(const struct process_image *image, const char *part)
{
    for (size_t i = 0; i < image->warning_count; i++) {
        if (strstr(image->warnings[i], part) != NULL)
            return true;
    }
    return false;
}

static const struct {
    unsigned class, data, type, machine;
    const char *part;
} foreign[] = {{ELFCLASS64, ELFDATA2LSB, ET_EXEC, EM_X86_64, "a program, not a core"},
               {ELFCLASS64, ELFDATA2LSB, ET_DYN, EM_X86_64, "shared library, not a core"},
               {ELFCLASS64, ELFDATA2LSB, ET_REL, EM_X86_64, "an object file, not a core"},
               {ELFCLASS64, ELFDATA2LSB, 0xfe00, EM_X86_64, "unknown type, not a core"},
               {ELFCLASS32, ELFDATA2LSB, ET_CORE, EM_386, "32-bit program"},
               {ELFCLASS32, ELFDATA2LSB, ET_CORE, EM_X86_64, "(x32)"},
               {ELFCLASS64, ELFDATA2LSB, ET_CORE, EM_AARCH64, "core of aarch64"},
               {ELFCLASS64, ELFDATA2LSB, ET_CORE, 9999, "machine 9999"},
               {ELFCLASS64, ELFDATA2MSB, ET_CORE, EM_S390, "big-endian"},
               {ELFCLASS64, 7, ET_CORE, EM_X86_64, "unknown byte order"},
               {9, ELFDATA2LSB, ET_CORE, EM_X86_64, "unknown class"}};

START_TEST(refuses_foreign)
{
    load(0x10000, 0x1000, 0x1000);
    maker.header.e_ident[EI_CLASS] = (unsigned char)foreign[_i].class;
    maker.header.e_ident[EI_DATA] = (unsigned char)foreign[_i].data;
    maker.header.e_type = (uint16_t)foreign[_i].type;
    maker.header.e_machine = (uint16_t)foreign[_i].machine;
    ck_assert_ptr_null(open_core());
    ck_assert_error(&err, ERROR_BAD_INPUT, foreign[_i].part);
}
END_TEST

START_TEST(refuses_others)
{
    const char *path = test_file("x");
    write_file(path, "", 0);
    ck_assert_ptr_null(core_open(path, &no_files, &err));
    ck_assert_error(&err, ERROR_BAD_INPUT, "empty");
    write_file(path, "#!/bin/sh\n", 10);
    ck_assert_ptr_null(core_open(path, &no_files, &err));
    ck_assert_error(&err, ERROR_BAD_INPUT, "not an ELF file");
    ck_assert_ptr_null(core_open("/nowhere/core", &no_files, &err));
    ck_assert_error(&err, ERROR_SYSTEM, "No such file");
    ck_assert_ptr_null(core_open("/", &no_files, &err));
    ck_assert_error(&err, ERROR_SYSTEM, "directory");
}
END_TEST

START_TEST(no_segments)
{
    ck_assert_ptr_null(open_core());
    ck_assert_error(&err, ERROR_BAD_INPUT, "no memory segments");
}
END_TEST

START_TEST(wrong_header_size)
{
    load(0x10000, 0x1000, 0x1000);
    maker.header.e_phentsize = 32;
    ck_assert_ptr_null(open_core());
    ck_assert_error(&err, ERROR_BAD_INPUT, "program headers of 32 bytes");
}
END_TEST

/* Every cut opens with the bytes it has, or is refused; the loss is stated to the byte. */
START_TEST(cut_everywhere)
{
    maker.gcore = _i != 0;
    load(0x10000, 0x1000, 0x1000);
    load(0x20000, 0xf00, 0x2000);
    load(0x40000, 0x1000, 0x1000);
    core_maker_file(&maker, 0x40000, 0x41000, 0, "/bin/x");
    size_t size, opened = 0, with_notes = 0;
    unsigned char *bytes = core_maker_bytes(&maker, &size);
    const char *path = test_file("cut");
    write_file(path, bytes, size);
    for (size_t cut = size - 1; cut > 0; cut -= cut < 0x600 ? 1 : 5) {
        must(truncate(path, (off_t)cut) == 0);
        struct process_image *image = core_open(path, &no_files, &err);
        if (image == NULL) {
            must(err.code == ERROR_BAD_INPUT);
            continue;
        }
        opened++;
        with_notes += image->has_notes;
        must(image->counts.dumped > 0 && image->counts.dumped <= 0x2f00);
        must(image->counts.cut > 0 || image->warning_count > 0);
        must(maker.gcore || image->counts.dumped + image->counts.cut == 0x2f00);
        process_image_free(image);
    }
    ck_assert_uint_gt(opened, 0x2f00 / 5);
    if (!maker.gcore) /* the notes come first: they survive */
        ck_assert_uint_eq(with_notes, opened);
    free(bytes);
}
END_TEST

START_TEST(overlapping)
{
    uint8_t other[0x1000];
    memset(page, 1, sizeof page);
    memset(other, 2, sizeof other);
    load(0x10000, 0x1000, 0x1000);
    core_maker_load(&maker, 0x10800, other, 0x1000, 0x1000, PF_R);
    struct process_image *image = open_core();
    ck_assert_ok(image != NULL, &err);
    ck_assert_uint_eq(image->space.overlaps, 0x800);
    ck_assert_uint_eq(*address_space_at(&image->space, 0x10fff, 1), 1);
    ck_assert_uint_eq(*address_space_at(&image->space, 0x11000, 1), 2);
    ck_assert(warned(image, "segments overlap"));
    process_image_free(image);
}
END_TEST

/* Segments of 2^60 bytes, at the end of the address space, and thousands of the same bytes. */
START_TEST(impossible_segments)
{
    load(0x10000, 0x1000, 0x1000);
    load(0x20000, 0x1000, 0x1000);
    maker.segments[1].header.p_memsz = UINT64_C(1) << 60;
    maker.segments[1].header.p_filesz = UINT64_C(1) << 60;
    load(UINT64_MAX - 0xfff, 0x1000, 0x1000);
    load((UINT64_C(1) << 47) - 0x1000, 0x1000, UINT64_MAX);
    load(0x30000, 0x1000, 0x1000);
    maker.segments[4].header.p_offset = UINT64_MAX - 8;
    maker.segments[4].fixed_offset = true;
    struct process_image *image = open_core();
    ck_assert_ok(image != NULL, &err);
    ck_assert(warned(image, "beyond the address space"));
    ck_assert_ptr_nonnull(address_space_at(&image->space, 0x10000, 0x1000));
    ck_assert_ptr_null(address_space_at(&image->space, 0x30000, 1));
    ck_assert_ptr_null(address_space_at(&image->space, UINT64_C(1) << 46, 1));
    ck_assert_uint_gt(image->counts.cut, UINT64_C(1) << 46);
    process_image_free(image);
}
END_TEST

/* A small file must not become a large memory: its bytes are given out once. */
START_TEST(same_bytes_many_times)
{
    for (uint64_t i = 0; i < 3000; i++) {
        load((i + 1) << 20, 0x1000, 0x1000);
        struct made_segment *s = &maker.segments[maker.segment_count - 1];
        s->header.p_offset = 0;
        s->header.p_filesz = s->header.p_memsz = 12 << 20;
        s->fixed_offset = true;
        s->header.p_vaddr = (i + 1) << 30;
        s->size = 0x10;
    }
    struct process_image *image = open_core();
    ck_assert_ok(image != NULL, &err);
    ck_assert_uint_le(image->counts.dumped, image->counts.file_size);
    ck_assert(warned(image, "segments share bytes"));
    process_image_free(image);
}
END_TEST

/* ---- notes */

static void raw_note(uint32_t name_size, uint32_t size, uint32_t type)
{
    uint32_t head[4] = {name_size, size, type, 0x45524f43};
    maker.notes = realloc(maker.notes, maker.notes_size + sizeof head);
    ck_assert_ptr_nonnull(maker.notes);
    memcpy(maker.notes + maker.notes_size, head, sizeof head);
    maker.notes_size += sizeof head;
}

static const uint32_t sizes[][2] = {{UINT32_MAX, 4},
                                    {5, UINT32_MAX},
                                    {5, UINT32_MAX - 3},
                                    {UINT32_MAX, UINT32_MAX},
                                    {5, 1 << 20},
                                    {1 << 20, 0},
                                    {5, 0},
                                    {0, 0}};

START_TEST(hostile_notes)
{
    load(0x10000, 0x1000, 0x1000);
    raw_note(sizes[_i][0], sizes[_i][1], NT_FILE);
    struct process_image *image = open_core();
    ck_assert_ok(image != NULL, &err);
    ck_assert_uint_eq(image->thread_count, 1); /* the note before it */
    ck_assert(!image->has_mappings);
    process_image_free(image);
}
END_TEST

START_TEST(short_notes)
{
    static const uint32_t types[] = {NT_PRSTATUS, NT_PRPSINFO, NT_SIGINFO, NT_AUXV, NT_FILE, NT_FPREGSET};
    load(0x10000, 0x1000, 0x1000);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        for (size_t size = 0; size < 24; size++)
            core_maker_note(&maker, "CORE", types[i], page, size);
    }
    struct process_image *image = open_core();
    ck_assert_ok(image != NULL, &err);
    ck_assert_uint_eq(image->thread_count, 1);
    process_image_free(image);
}
END_TEST

START_TEST(lying_file_list)
{
    load(0x10000, 0x1000, 0x1000);
    maker.promised_files = UINT64_MAX / 24 + 2;
    core_maker_file(&maker, 0x10000, 0x11000, UINT64_MAX, "/x");
    core_maker_file(&maker, 0x20000, 0x11000, 0, "/backwards");
    core_maker_file(&maker, 0x10000, UINT64_MAX, 0, "/endless");
    struct process_image *image = open_core();
    ck_assert_ok(image != NULL, &err);
    ck_assert(warned(image, "list of mapped files is damaged"));
    for (size_t i = 0; i < image->mapping_count; i++)
        ck_assert(image->mappings[i].start < image->mappings[i].end);
    process_image_free(image);
}
END_TEST

/* The auxiliary vector leads into memory that is not there, and to lists that go round. */
START_TEST(lying_auxv)
{
    uint64_t words[512] = {0};
    Elf64_Phdr *headers = (Elf64_Phdr *)words;
    headers[0] = (Elf64_Phdr){.p_type = PT_PHDR, .p_vaddr = 0x40};
    headers[1] = (Elf64_Phdr){.p_type = PT_DYNAMIC, .p_vaddr = 0x440, .p_memsz = 32};
    headers[2] = (Elf64_Phdr){.p_type = PT_LOAD, .p_vaddr = 0x40, .p_memsz = 0x1000, .p_flags = PF_W};
    words[128] = DT_DEBUG;
    words[129] = 0x10800;
    words[257] = 0x10900; /* r_debug.r_map */
    words[288] = 0x1234;  /* link_map.l_addr */
    words[290] = 0x10a00; /* l_ld */
    words[291] = 0x10900; /* l_next: itself */
    core_maker_load(&maker, 0x10000, words, sizeof words, 0x1000, PF_R | PF_W);
    core_maker_auxv(&maker, AT_PHDR, 0x10000);
    core_maker_auxv(&maker, AT_PHNUM, _i == 0 ? 3 : UINT64_MAX);
    core_maker_auxv(&maker, AT_PHENT, sizeof(Elf64_Phdr));
    struct process_image *image = open_core();
    ck_assert_ok(image != NULL, &err);
    for (size_t i = 1; i < image->module_count; i++)
        ck_assert(image->modules[i - 1].end <= image->modules[i].start);
    process_image_free(image);
}
END_TEST

START_TEST(ten_thousand_mappings)
{
    enum { COUNT = 10000 };
    static char paths[COUNT][24];
    core_maker_free(&maker);
    setup();
    for (uint64_t i = 0; i < COUNT; i++) {
        snprintf(paths[i], sizeof paths[i], "/data/part-%u.bin", (unsigned)i);
        core_maker_file(&maker, 0x7f0000000000 + i * 0x2000, 0x7f0000001000 + i * 0x2000, 0, paths[i]);
        core_maker_load(&maker, 0x7f0000000000 + i * 0x2000, page, i % 8 == 0 ? 0x1000 : 0, 0x1000, PF_R);
    }
    struct process_image *image = open_core();
    ck_assert_ok(image != NULL, &err);
    ck_assert_uint_eq(image->mapping_count, COUNT);
    ck_assert_uint_eq(image->space.region_count, COUNT);
    ck_assert_str_eq(
        image->mappings[address_space_region(&image->space, 0x7f0000000000 + 9999 * 0x2000)->mapping].path,
        "/data/part-9999.bin");
    process_image_free(image);
}
END_TEST

/* With 65,535 segments and more their number is in the first section header. */
START_TEST(many_segments)
{
    enum { COUNT = 70000 };
    core_maker_free(&maker);
    core_maker_init(&maker);
    maker.gcore = true;
    for (uint64_t i = 0; i < COUNT; i++)
        load(0x10000 + i * 0x2000, i % 1000 == 999 ? 16 : 0, 0x1000);
    maker.header.e_phnum = PN_XNUM;
    size_t size;
    unsigned char *bytes = core_maker_bytes(&maker, &size);
    bytes = realloc(bytes, size + sizeof(Elf64_Shdr));
    ck_assert_ptr_nonnull(bytes);
    uint64_t place = size;
    memcpy(bytes + offsetof(Elf64_Ehdr, e_shoff), &place, sizeof place);
    /* As the kernel does it: fs/binfmt_elf.c, fill_extnum_info. */
    memcpy(bytes + offsetof(Elf64_Ehdr, e_shentsize), &(uint16_t){sizeof(Elf64_Shdr)}, 2);
    memcpy(bytes + offsetof(Elf64_Ehdr, e_shnum), &(uint16_t){1}, 2);
    memcpy(bytes + size, &(Elf64_Shdr){.sh_size = 1, .sh_info = COUNT}, sizeof(Elf64_Shdr));
    const char *path = test_file("many");
    write_file(path, bytes, size + (_i == 0 ? sizeof(Elf64_Shdr) : 8));
    struct process_image *image = core_open(path, &no_files, &err);
    ck_assert_ok(image != NULL, &err);
    ck_assert_uint_eq(image->counts.dumped, (_i == 0 ? 70 : 65) * 16);
    process_image_free(image);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bad cores");
    TCase *tests = tcase_create("bad cores");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, refuses_foreign, 0, (int)(sizeof foreign / sizeof *foreign));
    tcase_add_test(tests, refuses_others);
    tcase_add_test(tests, no_segments);
    tcase_add_test(tests, wrong_header_size);
    tcase_add_loop_test(tests, cut_everywhere, 0, 2);
    tcase_add_test(tests, overlapping);
    tcase_add_test(tests, impossible_segments);
    tcase_add_test(tests, same_bytes_many_times);
    tcase_add_loop_test(tests, hostile_notes, 0, (int)(sizeof sizes / sizeof *sizes));
    tcase_add_test(tests, short_notes);
    tcase_add_test(tests, lying_file_list);
    tcase_add_loop_test(tests, lying_auxv, 0, 2);
    tcase_add_test(tests, ten_thousand_mappings);
    tcase_add_loop_test(tests, many_segments, 0, 2);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
