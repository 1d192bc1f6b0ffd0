/* Modules of a core: found in every way, judged by their build-id, filled from disk or not. */
#include "formats/elf/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/make_core.h"
#include "tests/support/make_program.h"
#include "tests/support/support.h"

#define PROGRAM UINT64_C(0x555555550000) /* where the program is mapped */
#define LIBRARY UINT64_C(0x7f1111110000)
#define LISTS   UINT64_C(0x7f2222220000) /* r_debug and the link maps */

static struct error err;
static struct core_maker maker;
static uint8_t program[MADE_PROGRAM_SIZE], library[MADE_PROGRAM_SIZE];
static uint8_t ids[2][20];
static char program_path[256], library_path[256];

static void setup(void)
{
    core_maker_init(&maker);
    core_maker_thread(&maker, 7, 11, PROGRAM + 0x1110, 0x7ffe00000000, 0);
    for (int i = 0; i < 20; i++) {
        ids[0][i] = (uint8_t)(i + 1);
        ids[1][i] = (uint8_t)(0xf0 - i);
    }
    make_program(&(struct made_program){ET_DYN, 0, ids[0], 0xaa, 32}, program);
    make_program(&(struct made_program){ET_DYN, 0, ids[1], 0xbb, 0}, library);
    strcpy(program_path, test_file("server"));
    strcpy(library_path, test_file("libcache.so"));
    write_file(program_path, program, sizeof program);
    write_file(library_path, library, sizeof library);
}

static void teardown(void)
{
    core_maker_free(&maker);
    unlink(program_path);
    unlink(library_path);
}

enum shape { KERNEL, GCORE, NO_HEADERS }; /* NO_HEADERS: the first pages were not dumped either */

/* A module as the loader maps it: code and constants undumped, data dumped. */
static void map(const uint8_t *bytes, uint64_t base, const char *path, enum shape shape)
{
    if (shape == KERNEL) {
        core_maker_load(&maker, base, bytes, 0x1000, 0x1000, PF_R);
        core_maker_load(&maker, base + 0x1000, NULL, 0, 0x1000, PF_R | PF_X);
        core_maker_load(&maker, base + 0x2000, NULL, 0, 0x1000, PF_R);
    } else if (shape == GCORE)
        core_maker_load(&maker, base, bytes, 0x1000, 0x1000, PF_R);
    else {
        core_maker_load(&maker, base, NULL, 0, 0x1000, PF_R);
        core_maker_load(&maker, base + 0x1000, NULL, 0, 0x1000, PF_R | PF_X);
        core_maker_load(&maker, base + 0x2000, NULL, 0, 0x1000, PF_R);
    }
    core_maker_load(&maker, base + 0x3000, bytes + 0x3000, 0x1000, 0x2000, PF_R | PF_W);
    if (path == NULL)
        return;
    for (uint64_t i = 0; i < 4; i++)
        core_maker_file(&maker, base + i * 0x1000, base + (i + 1) * 0x1000, i, path);
}

static void auxv(uint64_t base)
{
    core_maker_auxv(&maker, AT_PHDR, base + 64);
    core_maker_auxv(&maker, AT_PHENT, sizeof(Elf64_Phdr));
    core_maker_auxv(&maker, AT_PHNUM, 7);
    core_maker_auxv(&maker, AT_ENTRY, base + 0x1100);
}

static struct process_image *open_with(const struct core_options *options)
{
    const char *path = test_file("core");
    core_maker_write(&maker, path);
    struct process_image *image = core_open(path, options, &err);
    ck_assert_ok(image != NULL, &err);
    return image;
}

static const struct core_options plain;

static const struct image_module *module_of(const struct process_image *image, const char *name)
{
    for (size_t i = 0; i < image->module_count; i++) {
        if (strcmp(image->modules[i].name, name) == 0)
            return &image->modules[i];
    }
    ck_abort_msg("no module %s", name);
}

static bool warned(const struct process_image *image, const char *part)
{
    for (size_t i = 0; i < image->warning_count; i++) {
        if (strstr(image->warnings[i], part) != NULL)
            return true;
    }
    return false;
}

static unsigned byte_at(const struct process_image *image, uint64_t address)
{
    const uint8_t *p = address_space_at(&image->space, address, 1);
    return p != NULL ? *p : 0x100;
}

START_TEST(program_and_library)
{
    map(program, PROGRAM, program_path, (enum shape)_i);
    map(library, LIBRARY, library_path, (enum shape)_i);
    auxv(PROGRAM);
    struct process_image *image = open_with(&plain);
    ck_assert_uint_eq(image->module_count, 2);
    const struct image_module *p = module_of(image, "server"), *l = module_of(image, "libcache.so");
    ck_assert(p->executable && !l->executable);
    ck_assert_str_eq(image->executable, program_path);
    ck_assert_uint_eq(p->bias, PROGRAM);
    ck_assert_uint_eq(p->start, PROGRAM);
    ck_assert_uint_eq(p->end, PROGRAM + MADE_PROGRAM_MEMORY);
    ck_assert_uint_eq(p->data_count, 1);
    ck_assert_uint_eq(p->data[0].start, PROGRAM + 0x3000);
    ck_assert_uint_eq(p->data[0].end, PROGRAM + 0x4800);
    ck_assert_uint_eq(p->tls_size, 32);
    ck_assert_uint_eq(p->tls_align, 16);
    ck_assert_uint_eq(p->tls_image, PROGRAM + 0x3000);
    ck_assert_int_eq(p->verdict, _i == NO_HEADERS ? BUILD_ID_UNKNOWN : BUILD_ID_MATCH);
    ck_assert(warned(image, "cannot be verified") == (_i == NO_HEADERS));
    ck_assert_str_eq(l->file, library_path);
    ck_assert_uint_eq(byte_at(image, PROGRAM + 0x1000), 0xaa);
    ck_assert_uint_eq(byte_at(image, LIBRARY + 0x2fff), 0xbb);
    ck_assert_uint_eq(byte_at(image, LIBRARY + 0x3000), 0x44); /* the core's own */
    ck_assert_uint_eq(address_space_region(&image->space, LIBRARY + 0x1000)->origin, MEMORY_FILLED);
    ck_assert_uint_eq(image->counts.filled, _i == NO_HEADERS ? 0x6000 : 0x4000);
    ck_assert_uint_eq(image->counts.refused, 0);
    process_image_free(image);
}
END_TEST

START_TEST(symbols)
{
    struct image_symbol s;
    struct image_range r;
    map(program, PROGRAM, program_path, KERNEL);
    map(library, LIBRARY, library_path, KERNEL);
    auxv(PROGRAM);
    struct process_image *image = open_with(&plain);
    const struct image_module *l = module_of(image, "libcache.so");
    ck_assert(image->symbol(image->self, l, "g_cache", &s));
    ck_assert_uint_eq(s.address, LIBRARY + 0x3200);
    ck_assert_uint_eq(s.size, 0x10);
    ck_assert(s.module == l && !s.tls);
    ck_assert(image->symbol(image->self, NULL, "work", &s));
    ck_assert_uint_eq(s.address, PROGRAM + 0x1100);
    ck_assert(image->symbol(image->self, l, "old_name", &s)); /* its version is no part of the name */
    ck_assert(!image->symbol(image->self, NULL, "nothing", &s));
    ck_assert(image->symbol_at(image->self, LIBRARY + 0x320f, &s));
    ck_assert_str_eq(s.name, "g_cache"); /* the global one of two */
    ck_assert(!image->symbol_at(image->self, LIBRARY + 0x3210, &s));
    ck_assert(!image->symbol_at(image->self, 0x1000, &s));
    ck_assert(image->tls_symbol_at(image->self, module_of(image, "server"), 11, &s));
    ck_assert_str_eq(s.name, "t_count");
    ck_assert(s.tls);
    ck_assert(!image->tls_symbol_at(image->self, l, 12, &s));
    ck_assert(image->section(image->self, l, ".marked", &r));
    ck_assert_uint_eq(r.start, LIBRARY + 0x3100);
    ck_assert_uint_eq(r.end, LIBRARY + 0x3180);
    ck_assert(!image->section(image->self, l, ".nothing", &r));
    process_image_free(image);
}
END_TEST

/* Another file at the same path: neither its bytes nor its symbols. */
START_TEST(mismatch)
{
    struct image_symbol s;
    uint8_t other[MADE_PROGRAM_SIZE];
    map(program, PROGRAM, program_path, KERNEL);
    auxv(PROGRAM);
    make_program(&(struct made_program){ET_DYN, 0, _i == 0 ? ids[1] : NULL, 0xcc, 32}, other);
    write_file(program_path, other, sizeof other);
    struct process_image *image = open_with(&plain);
    const struct image_module *p = module_of(image, "server");
    ck_assert_int_eq(p->verdict, BUILD_ID_MISMATCH);
    ck_assert_ptr_null(p->file);
    ck_assert_uint_eq(byte_at(image, PROGRAM + 0x1000), 0x100);
    ck_assert(!image->symbol(image->self, p, "work", &s));
    ck_assert_uint_eq(image->counts.refused, 0x2000);
    ck_assert_uint_eq(image->counts.filled, 0);
    ck_assert(warned(image, "is not the file that ran"));
    ck_assert_uint_eq(p->build_id_size, 20);
    process_image_free(image);
}
END_TEST

/* Without build-ids the first page still tells two programs apart. */
START_TEST(no_build_id)
{
    uint8_t other[MADE_PROGRAM_SIZE];
    make_program(&(struct made_program){ET_DYN, 0, NULL, 0xaa, 32}, program);
    write_file(program_path, program, sizeof program);
    map(program, PROGRAM, program_path, KERNEL);
    auxv(PROGRAM);
    if (_i == 1) {
        make_program(&(struct made_program){ET_DYN, 0, NULL, 0xcc, 16}, other);
        write_file(program_path, other, sizeof other);
    }
    struct process_image *image = open_with(&plain);
    ck_assert_int_eq(module_of(image, "server")->verdict, _i == 0 ? BUILD_ID_UNKNOWN : BUILD_ID_MISMATCH);
    ck_assert_uint_eq(byte_at(image, PROGRAM + 0x1000), _i == 0 ? 0xaa : 0x100);
    process_image_free(image);
}
END_TEST

START_TEST(no_file)
{
    map(program, PROGRAM, program_path, KERNEL);
    auxv(PROGRAM);
    unlink(program_path);
    struct process_image *image = open_with(&plain);
    const struct image_module *p = module_of(image, "server");
    ck_assert_int_eq(p->verdict, BUILD_ID_NO_FILE);
    ck_assert_uint_eq(p->end, PROGRAM + MADE_PROGRAM_MEMORY);
    ck_assert_uint_eq(p->tls_size, 32);
    ck_assert_uint_eq(image->counts.absent, 0x2000 + 0x1000);
    process_image_free(image);
}
END_TEST

/* --exe and --sysroot. */
START_TEST(given_files)
{
    char moved[300], root[280], command[2000];
    map(program, PROGRAM, "/opt/app/server", KERNEL);
    map(library, LIBRARY, "/opt/app/lib/libcache.so", KERNEL);
    auxv(PROGRAM);
    snprintf(moved, sizeof moved, "%s.elsewhere", program_path);
    rename(program_path, moved);
    snprintf(root, sizeof root, "%s.root", program_path);
    snprintf(command, sizeof command,
             "mkdir -p %s/opt/app/lib && cp %s %s/opt/app/lib/ && cp %s %s/opt/app/server", root,
             library_path, root, moved, root);
    ck_assert_int_eq(system(command), 0);
    struct process_image *image =
        open_with(_i == 0   ? &(struct core_options){.executable = moved}
                  : _i == 1 ? &(struct core_options){.sysroot = root}
                            : &(struct core_options){.sysroot = root, .no_files = true});
    const struct image_module *p = module_of(image, "server"), *l = module_of(image, "libcache.so");
    ck_assert_int_eq(p->verdict, _i == 2 ? BUILD_ID_NO_FILE : BUILD_ID_MATCH);
    ck_assert_int_eq(l->verdict, _i == 1 ? BUILD_ID_MATCH : BUILD_ID_NO_FILE);
    if (_i == 1)
        ck_assert_ptr_nonnull(strstr(l->file, "/opt/app/lib/libcache.so"));
    process_image_free(image);
    unlink(moved);
    snprintf(command, sizeof command, "rm -r %s", root);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

/* Absolute links inside a foreign root stay in it. */
START_TEST(links_below_sysroot)
{
    char root[280], command[2000];
    map(library, LIBRARY, "/lib/libcache.so", KERNEL);
    snprintf(root, sizeof root, "%s.root", program_path);
    snprintf(command, sizeof command, "mkdir -p %s/other && cp %s %s/other && ln -s /other %s/lib", root,
             library_path, root, root);
    ck_assert_int_eq(system(command), 0);
    struct process_image *image = open_with(&(struct core_options){.sysroot = root});
    ck_assert_int_eq(module_of(image, "libcache.so")->verdict, BUILD_ID_MATCH);
    process_image_free(image);
    snprintf(command, sizeof command, "rm -r %s", root);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

/* A file removed while it ran: what lies at its path now is used only if it is certainly the same. */
START_TEST(deleted)
{
    char gone[300];
    if (_i == 1) {
        make_program(&(struct made_program){ET_DYN, 0, NULL, 0xaa, 32}, program);
        write_file(program_path, program, sizeof program);
    }
    snprintf(gone, sizeof gone, "%s (deleted)", program_path);
    map(program, PROGRAM, gone, KERNEL);
    auxv(PROGRAM);
    struct process_image *image = open_with(&plain);
    ck_assert_str_eq(image->modules[0].name, "server");
    ck_assert_int_eq(image->modules[0].verdict, _i == 0 ? BUILD_ID_MATCH : BUILD_ID_NO_FILE);
    ck_assert_uint_eq(byte_at(image, PROGRAM + 0x1000), _i == 0 ? 0xaa : 0x100);
    process_image_free(image);
}
END_TEST

/* Mapped data is not read from today's file, shared or not, and neither is a writable part of a program. */
START_TEST(only_code_is_filled)
{
    map(program, PROGRAM, program_path, KERNEL);
    auxv(PROGRAM);
    const char *data = test_file("table.bin");
    write_file(data, program, 0x3000);
    core_maker_load(&maker, 0x7f3333330000, NULL, 0, 0x3000, PF_R);
    core_maker_file(&maker, 0x7f3333330000, 0x7f3333333000, 0, data);
    maker.segments[3].header.p_filesz = 0; /* the program's data was not dumped */
    struct process_image *image = open_with(&plain);
    ck_assert_uint_eq(image->module_count, 1);
    ck_assert_uint_eq(byte_at(image, 0x7f3333330000), 0x100);
    ck_assert_uint_eq(byte_at(image, PROGRAM + 0x3000), 0x100);
    ck_assert_uint_eq(byte_at(image, PROGRAM + 0x2000), 0xaa);
    process_image_free(image);
}
END_TEST

START_TEST(fixed_address)
{
    make_program(&(struct made_program){ET_EXEC, 0x400000, ids[0], 0xaa, 32}, program);
    write_file(program_path, program, sizeof program);
    map(program, 0x400000, program_path, KERNEL);
    auxv(0x400000);
    struct image_symbol s;
    struct process_image *image = open_with(&plain);
    const struct image_module *p = module_of(image, "server");
    ck_assert_uint_eq(p->bias, 0);
    ck_assert_uint_eq(p->start, 0x400000);
    ck_assert_int_eq(p->verdict, BUILD_ID_MATCH);
    ck_assert(image->symbol(image->self, p, "g_cache", &s));
    ck_assert_uint_eq(s.address, 0x403200);
    ck_assert_uint_eq(byte_at(image, 0x401000), 0xaa);
    process_image_free(image);
}
END_TEST

/* No list of mapped files: the loader's list, with names; without that, ELF headers in memory. */
START_TEST(no_file_list)
{
    map(program, PROGRAM, NULL, KERNEL);
    map(library, LIBRARY, NULL, KERNEL);
    if (_i == 1)
        auxv(PROGRAM);
    struct process_image *image =
        open_with(&(struct core_options){.executable = _i == 1 ? program_path : NULL});
    ck_assert(!image->has_mappings);
    ck_assert_uint_eq(image->module_count, 2);
    const struct image_module *p = process_image_module(image, PROGRAM + 0x3000);
    const struct image_module *l = process_image_module(image, LIBRARY);
    ck_assert(p != NULL && l != NULL && p->bias == PROGRAM && l->bias == LIBRARY);
    ck_assert_uint_eq(p->data[0].end, PROGRAM + 0x4800);
    ck_assert_str_eq(l->name, "module at 0x7f1111110000");
    ck_assert_int_eq(p->verdict, _i == 1 ? BUILD_ID_MATCH : BUILD_ID_NO_FILE);
    ck_assert_uint_eq(byte_at(image, PROGRAM + 0x1000), _i == 1 ? 0xaa : 0x100);
    process_image_free(image);
}
END_TEST

/* The loader's list gives names and addresses; its entry for the program is known already, the vdso is none.
 */
START_TEST(loader_list)
{
    uint64_t words[512] = {0};
    Elf64_Phdr dynamic = {.p_type = PT_DYNAMIC, .p_flags = PF_R, .p_vaddr = 0x3400, .p_memsz = 32};
    memcpy(program + 64 + 6 * sizeof dynamic, &dynamic, sizeof dynamic); /* instead of PT_TLS */
    uint64_t debug[4] = {DT_DEBUG, LISTS, DT_NULL, 0};
    memcpy(program + 0x3400, debug, sizeof debug);
    write_file(program_path, program, sizeof program);
    map(program, PROGRAM, program_path, KERNEL);
    map(library, LIBRARY, _i != 1 ? library_path : NULL, KERNEL);
    auxv(_i < 2 ? PROGRAM : LIBRARY); /* the last: as of a program started through the loader */
    words[1] = LISTS + 0x100;         /* r_debug.r_map */
    uint64_t maps[3][4] = {{PROGRAM, LISTS + 0x400, PROGRAM + 0x3400, LISTS + 0x140},
                           {0x7ffe11110000, LISTS + 0x410, 0x7ffe11110400, LISTS + 0x180},
                           {LIBRARY, LISTS + 0x440, LIBRARY + 0x3000, 0}};
    memcpy(&words[0x100 / 8], maps[0], 32);
    memcpy(&words[0x140 / 8], maps[1], 32);
    memcpy(&words[0x180 / 8], maps[2], 32);
    strcpy((char *)words + 0x410, "linux-vdso.so.1");
    strcpy((char *)words + 0x440, library_path);
    core_maker_load(&maker, LISTS, words, sizeof words, sizeof words, PF_R | PF_W);
    struct process_image *image = open_with(&plain);
    ck_assert_uint_eq(image->module_count, 2);
    ck_assert_str_eq(image->executable, program_path);
    const struct image_module *p = module_of(image, "server"), *l = module_of(image, "libcache.so");
    ck_assert(p->executable && !l->executable);
    ck_assert_uint_eq(p->link_map, LISTS + 0x100);
    ck_assert_uint_eq(l->link_map, LISTS + 0x180);
    ck_assert_uint_eq(l->bias, LIBRARY);
    ck_assert_int_eq(l->verdict, BUILD_ID_MATCH);
    ck_assert_str_eq(l->path, library_path);
    process_image_free(image);
}
END_TEST

/* A file cut on disk, or damaged, is no file; never a crash. */
START_TEST(damaged_file)
{
    struct image_symbol s;
    map(program, PROGRAM, program_path, KERNEL);
    auxv(PROGRAM);
    const char *path = test_file("core");
    core_maker_write(&maker, path);
    for (size_t cut = 0; cut < sizeof program; cut += cut < 0x500 ? 8 : 509) {
        write_file(program_path, program, cut);
        struct process_image *image = core_open(path, &plain, &err);
        must(image != NULL);
        must(image->module_count == 1);
        image->symbol(image->self, NULL, "g_cache", &s);
        free(NULL);
        process_image_free(image);
    }
    for (size_t at = 0; at < sizeof program; at += at < 0x500 || at >= 0x4000 ? 5 : 509) {
        program[at] ^= 0xff;
        write_file(program_path, program, sizeof program);
        program[at] ^= 0xff;
        struct process_image *image = core_open(path, &plain, &err);
        must(image != NULL);
        image->symbol(image->self, NULL, "nothing", &s);
        image->symbol_at(image->self, PROGRAM + 0x3208, &s);
        struct image_frame *frames;
        image->unwind(image->self, 0, &frames);
        free(frames);
        process_image_free(image);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("modules of cores");
    TCase *tests = tcase_create("modules of cores");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, program_and_library, 0, 3);
    tcase_add_test(tests, symbols);
    tcase_add_loop_test(tests, mismatch, 0, 2);
    tcase_add_loop_test(tests, no_build_id, 0, 2);
    tcase_add_test(tests, no_file);
    tcase_add_loop_test(tests, given_files, 0, 3);
    tcase_add_test(tests, links_below_sysroot);
    tcase_add_loop_test(tests, deleted, 0, 2);
    tcase_add_test(tests, only_code_is_filled);
    tcase_add_test(tests, fixed_address);
    tcase_add_loop_test(tests, no_file_list, 0, 2);
    tcase_add_loop_test(tests, loader_list, 0, 3);
    tcase_add_test(tests, damaged_file);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
